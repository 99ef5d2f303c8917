import ArgumentParser
import CommandSupport
import FoundationEssentials
import SystemSupport

/// `loadgen compare`.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Shows what the buffer pool gains in our servers, and where it gains nothing.",
        discussion: """
            Measures a get and return of one block, and pooled-echo as an echo server and as a file server. The buffers come \
            from malloc with its defaults, from malloc tuned to keep its memory, from mimalloc if it is installed, from the \
            pool, and from the pool registered with io_uring. A summary comes first. It calls a ratio a difference only when \
            its 95 % interval does not cover 1, which needs at least 5 rounds.

            Each measurement starts a fresh server with one reactor on one processor, and loads it from another. The \
            contenders take turns within a round. Every byte is verified. With the defaults it takes about a minute.

            Files of 4 KiB, 64 KiB and 1 MiB are read from the page cache; one of 256 MiB is dropped from it before each \
            request. The kernel must confirm this each time. A folder in memory can't drop a file, which is an error.

            Exit status: 0 when everything was measured, 1 on any error, 64 on wrong usage.

            Sizes take K, M or G (powers of 1024); times take ms, s, m or h.

            Example: loadgen compare --html report.html
            """)

    struct Workloads: ParsableArguments {
        @Flag(help: "Measure only the get and return of a block.")
        var pairsOnly = false

        @Flag(help: "Measure only the echo server.")
        var echoOnly = false

        @Flag(help: "Measure only the file server.")
        var filesOnly = false

        @Option(
            name: .customLong("case"),
            help: ArgumentHelp(
                "Load the echo server with this many connections and messages of this size, such as 64x512 or 16x64K; repeatable. (default: 64x512)",
                valueName: "connections>x<size"),
            transform: { text in try EchoCase.parse(text) })
        var echoCases: [EchoCase] = []

        @Option(
            help: ArgumentHelp(
                "Write the test files of 257 MiB to this folder, and remove them at the end. (default: the folder for temporary files)",
                valueName: "folder"), completion: .directory)
        var folder: String?

        @Option(
            help: ArgumentHelp(
                "Measure this server program. (default: the pooled-echo beside this program)", valueName: "path"),
            completion: .file())
        var server: String?

        func validate() throws {
            let narrowing = [("--pairs-only", pairsOnly), ("--echo-only", echoOnly), ("--files-only", filesOnly)]
                .filter(\.1).map(\.0)
            guard narrowing.count <= 1 else {
                throw ValidationError(
                    "give only one of \(narrowing.joined(separator: " and ")): each excludes the others")
            }
            guard let only = narrowing.first else { return }
            guard folder == nil || filesOnly else {
                throw ValidationError("--folder is for the test files, which \(only) does not measure")
            }
            guard echoCases.isEmpty || echoOnly else {
                throw ValidationError("--case is a load for the echo server, which \(only) does not measure")
            }
            guard server == nil || !pairsOnly else {
                throw ValidationError("--server names a server, and --pairs-only does not measure one")
            }
        }
    }

    struct Measuring: ParsableArguments {
        @Option(count: "Measure each contender and workload this many times.", in: 1...1000)
        var rounds = 5

        @Option(time: "Measure for this long each time.", in: 0.001...86_400)
        var duration = TimeSpan(seconds: 0.3)

        @Option(time: "Run the same load for this long before each measurement.", in: 0...86_400)
        var warmup = TimeSpan(seconds: 0.1)
    }

    struct Pages: ParsableArguments {
        @Option(
            help: ArgumentHelp("Write a page with charts to this file.", valueName: "file"),
            completion: .file(extensions: ["html"])
        )
        var html: String?

        @Option(
            help: ArgumentHelp("Write the summary as a chart to this file.", valueName: "file"),
            completion: .file(extensions: ["svg"]))
        var svg: String?

        @Flag(help: "Print all tables after the summary.")
        var details = false

        func validate() throws {
            if let html { try OutputPath.check(html, option: "--html") }
            if let svg { try OutputPath.check(svg, option: "--svg") }
        }
    }

    @OptionGroup(title: "Workloads") var workloads: Workloads
    @OptionGroup(title: "Measuring") var measuring: Measuring
    @OptionGroup(title: "Output") var pages: Pages
    @OptionGroup(title: "Output") var output: ResultOptions

    var cases: [ComparisonCase] {
        let given = workloads.echoCases
        let echoes = (given.isEmpty ? EchoCase.defaults : given).map(ComparisonCase.echo)
        let files = FileCase.defaults.map(ComparisonCase.file)
        return (workloads.filesOnly || workloads.pairsOnly ? [] : echoes)
            + (workloads.echoOnly || workloads.pairsOnly ? [] : files)
    }

    /// One block size is enough: a get and return costs the pool the same up to 16 MiB.
    var pairByteCounts: [Int] { workloads.echoOnly || workloads.filesOnly ? [] : [64 << 10] }

    func run() throws {
        if let folder = workloads.folder { try OutputPath.check(folder: folder, option: "--folder") }
        let server = workloads.server ?? Self.siblingServerPath
        guard cases.isEmpty || FileManager.default.isExecutableFile(atPath: server) else {
            throw ServerError.notFound(path: server)
        }
        Interruption.install()
        let progress = ProgressLine()
        var comparison = Comparison(
            serverPath: server, cases: cases, roundCount: measuring.rounds,
            warmupSeconds: measuring.warmup.seconds, durationSeconds: measuring.duration.seconds)
        comparison.folder = workloads.folder
        comparison.pairByteCounts = pairByteCounts
        let report = try comparison.run(progress: progress)
        progress.clear()
        var text = ComparisonSummary(report: report, width: SummaryTable.width(for: output.textStream)).text
        if !comparison.contenders.contains(.mimalloc) {
            text += "\nmimalloc was not measured, since it is not installed (Debian: libmimalloc2.0).\n"
        }
        if pages.details { text += "\n" + ComparisonTable(report).text }
        try output.write(report, text: text)
        if let html = pages.html { try OutputPath.write(ComparisonPage(report).html, to: html) }
        if let svg = pages.svg { try OutputPath.write(SummaryChart(report).svg, to: svg) }
        try ResultOptions.fail(for: report.problems)
    }

    /// `pooled-echo` in the directory of this program.
    private static var siblingServerPath: String {
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appending(path: "pooled-echo").path(percentEncoded: false)
    }
}
