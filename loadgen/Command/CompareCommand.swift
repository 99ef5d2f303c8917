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

            With --files the modes are also compared as file servers (`pooled-echo files`): files of 4 KiB, 64 KiB and 1 MiB that \
            are in the page cache, and one of 256 MiB that is dropped from it before each request, on one connection. The \
            kernel is asked each time whether they are; where a cold file stays in the page cache, as in a folder in memory, it \
            is not measured, and that is an error. Each response is read from its file (`--cache-bytes 0`), so that each uses a buffer \
            of the mode.

            By default it takes half a minute, and a minute with --files.
            """)

    @Option(help: "The server program (default: pooled-echo beside this program).")
    var server: String?

    @Option(name: .customLong("case"), help: "CONNECTIONSxSIZE, such as 64x512 or 16x64K; repeatable.")
    var echoCases: [EchoCase] = EchoCase.defaults

    @Flag(help: "Also compare the modes as file servers: 4 KiB, 64 KiB and 1 MiB hot, 256 MiB cold.")
    var files = false

    @Option(
        help: ArgumentHelp(
            """
            With --files: where their folder is made, of 258 MiB, and removed in the end; on the disk that is to be measured \
            (default: the system's folder for temporary files, or /var/tmp where that one is in memory).
            """, valueName: "path"))
    var folder: String?

    @Option(help: "Measurements of each mode and case.")
    var rounds = 3

    @Option(help: "Seconds of each measurement.")
    var duration = 0.8

    @Option(help: "Seconds of the same load before each measurement.")
    var warmup = 0.2

    @Option(help: "Also write the result as JSON, to this file; - for standard output.")
    var json: String?

    func validate() throws {
        guard folder == nil || files else { throw ValidationError("--folder is where --files makes its files") }
        try OptionRange.check(rounds, in: 1...1000, option: "--rounds")
        try OptionRange.check(duration, in: 0.001...86_400, option: "--duration")
        try OptionRange.check(warmup, in: 0...86_400, option: "--warmup")
    }

    var cases: [ComparisonCase] {
        echoCases.map(ComparisonCase.echo) + (files ? FileCase.defaults.map(ComparisonCase.file) : [])
    }

    func run() throws {
        Interruption.install()
        let json = json.map(JSONOutput.init)
        let text = json?.isStandardOutput == true ? StandardStream.error : .output
        let progress = ProgressLine()
        let comparison = Comparison(
            serverPath: server ?? Self.siblingServerPath, cases: cases, roundCount: rounds,
            warmupSeconds: warmup, durationSeconds: duration, folder: folder)
        progress.say(
            "\(Format.count(comparison.cellCount, "measurement")), about \(Format.decimal(comparison.estimatedSeconds, places: 0)) s"
        )
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
