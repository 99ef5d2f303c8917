import ArgumentParser
import FoundationEssentials

/// `loadgen compare`.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Measures pooled-echo in each of its buffer modes, side by side.",
        discussion: """
            Each measurement has a fresh server with one reactor, pinned to one processor, and the load on another. The \
            modes take turns within a round. Every byte is verified; any error makes the exit status 1.
            """)

    @Option(help: "The server program (default: pooled-echo beside this program).")
    var server: String?

    @Option(name: .customLong("case"), help: "CONNECTIONSxSIZE, such as 64x512 or 16x64K; repeatable.")
    var cases: [ComparisonCase] = ComparisonCase.defaults

    @Option(help: "Measurements of each mode and case.")
    var rounds = 3

    @Option(help: "Seconds of each measurement.")
    var duration = 0.8

    @Option(help: "Seconds of the same load before each measurement.")
    var warmup = 0.2

    @Option(help: "Also write the result as JSON, to this file; - for standard output.")
    var json: String?

    func validate() throws {
        try OptionRange.check(rounds, in: 1...1000, option: "--rounds")
        try OptionRange.check(duration, in: 0.001...86_400, option: "--duration")
        try OptionRange.check(warmup, in: 0...86_400, option: "--warmup")
    }

    func run() throws {
        ChildGuard.install()
        let json = json.map(JSONOutput.init)
        let text = json?.isStandardOutput == true ? StandardStream.error : .output
        let progress = ProgressLine()
        let comparison = Comparison(
            serverPath: server ?? Self.siblingServerPath, cases: cases, roundCount: rounds,
            warmupSeconds: warmup, durationSeconds: duration)
        let report = try comparison.run(progress: progress)
        progress.clear()
        text.write(ComparisonTable(report).text)
        try json?.write(report)
        guard report.problems.isEmpty else {
            for problem in report.problems {
                StandardStream.error.write("error: \(problem)\n")
            }
            throw ExitCode.failure
        }
    }

    /// `pooled-echo` in the directory of this program.
    private static var siblingServerPath: String {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appending(path: "pooled-echo").path(percentEncoded: false)
    }
}
