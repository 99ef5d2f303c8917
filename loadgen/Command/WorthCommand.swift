import ArgumentParser
import CommandSupport

/// `loadgen worth`.
struct WorthCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worth",
        abstract: "Shows what the pool gains over good allocators, and where it gains nothing.",
        discussion: """
            Compares the pool with malloc, with malloc tuned to keep its memory, and with mimalloc if it is installed. It \
            measures blocks of 256 KiB to 64 MiB that are written to; reads past the page cache (O_DIRECT) into registered \
            and plain memory; a byte limit under demand; and resident memory during a burst and some time after it.

            Each measurement runs in a fresh process, and the contenders take turns within a round. A ratio is called a \
            difference only when its 95 % interval does not cover 1. With the defaults it takes about two minutes.

            Times take ms, s, m or h.

            Example: loadgen worth --rounds 7 --idle 30s
            """)

    struct Measuring: ParsableArguments {
        @Option(count: "Measure each contender this many times.", in: 1...1000)
        var rounds = 5

        @Option(time: "Measure resident memory again this long after a burst.", in: 0.1...3600)
        var idle = TimeSpan(seconds: 10)

        @Option(
            help: ArgumentHelp(
                "Write the test file of 64 MiB to this folder, and remove it at the end. (default: the folder for temporary files)",
                valueName: "folder"), completion: .directory)
        var folder: String?
    }

    @OptionGroup(title: "Measuring") var measuring: Measuring
    @OptionGroup(title: "Output") var output: ResultOptions

    func run() throws {
        if let folder = measuring.folder { try OutputPath.check(folder: folder, option: "--folder") }
        Interruption.install()
        let progress = ProgressLine()
        let report = try Worth(
            roundCount: measuring.rounds, idleSeconds: measuring.idle.seconds, folder: measuring.folder
        ).run(progress: progress)
        progress.clear()
        let width = SummaryTable.width(for: output.textStream)
        try output.write(report, text: WorthText(report: report, width: width).text)
        try ResultOptions.fail(for: report.problems)
    }
}
