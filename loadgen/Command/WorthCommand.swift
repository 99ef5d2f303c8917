import SystemSupport
import ArgumentParser

/// `loadgen worth`.
struct WorthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worth",
        abstract: "Shows what the pool gains, and where it gains nothing, beside good allocators.",
        discussion: """
            Measures the pool, malloc, malloc tuned to keep its memory, and mimalloc where it is installed: blocks of 256 KiB to \
            64 MiB that are touched, reads past the page cache (O_DIRECT) into registered and plain memory, a byte limit \
            under demand, and resident memory in a burst and some seconds after it. Each measurement has a fresh process; the \
            contenders take turns within a round. A ratio is called a difference when its 95 % interval does not cover 1.

            By default it takes about two minutes.

            Example: loadgen worth --rounds 7
            """)

    @Option(help: "Measure each contender this many times.")
    var rounds = 5

    @Option(
        name: .customLong("idle"),
        help: ArgumentHelp("Look at memory again this long after a burst.", valueName: "seconds"))
    var idleSeconds = 10.0

    @Option(
        help: ArgumentHelp(
            "Make the file, 64 MiB, in this folder and remove it in the end (default: temporary files).",
            valueName: "path"))
    var folder: String?

    @Option(help: ArgumentHelp("Write all figures as JSON to this file; - for standard output.", valueName: "file"))
    var json: String?

    func validate() throws {
        try OptionRange.check(rounds, in: 1...1000, option: "--rounds")
        try OptionRange.check(idleSeconds, in: 0.1...3600, option: "--idle")
    }

    func run() throws {
        Interruption.install()
        if let json, json != "-" { try OutputPath.check(json) }
        let json = json.map(JSONOutput.init)
        let text = json?.isStandardOutput == true ? StandardStream.error : .output
        let progress = ProgressLine()
        let report = try Worth(roundCount: rounds, idleSeconds: idleSeconds, folder: folder).run(progress: progress)
        progress.clear()
        text.write(WorthText(report: report, width: SummaryTable.width(for: text)).text)
        try json?.write(report)
        guard report.problems.isEmpty else {
            for problem in report.problems {
                StandardStream.error.write("error: \(problem)\n")
            }
            throw ExitCode.failure
        }
    }
}
