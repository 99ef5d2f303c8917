import ArgumentParser
import FoundationEssentials
import Glibc
import SystemSupport

/// `loadgen compare`.
struct CompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Shows what the buffer pool gains and where it gains nothing.",
        discussion: """
            Measures a get and return of a block, and pooled-echo as an echo server and as a file server, with buffers from \
            malloc as it comes, malloc tuned to keep its memory, mimalloc where it is installed, the pool, and the pool \
            registered with io_uring. First comes a summary; a ratio is called a difference when its 95 % interval (a \
            bootstrap over the rounds) does not cover 1, for which it takes at least 5 rounds.

            Each measurement has a fresh server with one reactor, pinned to one processor, and the load on another. The \
            contenders take turns within a round. Every byte is verified; any error makes the exit status 1.

            Files of 4 KiB, 64 KiB and 1 MiB are in the page cache; one of 256 MiB is dropped from it before each request. \
            The kernel is asked each time whether they are. A folder in memory has no cold files: that is an error. Each \
            response is read from its file (--cache-bytes 0).

            By default it takes about a minute.

            Example: loadgen compare --html report.html
            """)

    @Flag(help: "Measure only a get and return.")
    var pairsOnly = false

    @Flag(help: "Measure only the echo server.")
    var echoOnly = false

    @Flag(help: "Measure only the file server.")
    var filesOnly = false

    @Option(
        name: .customLong("case"),
        help: ArgumentHelp(
            "Echo with this many connections and bytes per message; repeatable (default: 64x512).",
            valueName: "connections>x<size"))
    var echoCases: [EchoCase] = []

    @Option(help: "Measure each contender and workload this many times.")
    var rounds = 5

    @Option(help: ArgumentHelp("Length of each measurement.", valueName: "seconds"))
    var duration = 0.3

    @Option(help: ArgumentHelp("Length of the same load before each measurement.", valueName: "seconds"))
    var warmup = 0.1

    @Option(
        help: ArgumentHelp(
            "Make the files, 257 MiB, in this folder and remove them in the end (default: temporary files).",
            valueName: "path"))
    var folder: String?

    @Option(help: ArgumentHelp("Measure this server (default: pooled-echo beside this program).", valueName: "path"))
    var server: String?

    @Flag(help: "Print all tables after the summary.")
    var details = false

    @Option(help: ArgumentHelp("Write all figures as JSON to this file; - for standard output.", valueName: "file"))
    var json: String?

    @Option(help: ArgumentHelp("Write a page with charts to this file.", valueName: "file"))
    var html: String?

    @Option(help: ArgumentHelp("Write the summary as a chart to this file.", valueName: "file"))
    var svg: String?

    func validate() throws {
        let narrowing = [("--pairs-only", pairsOnly), ("--echo-only", echoOnly), ("--files-only", filesOnly)]
            .filter(\.1).map(\.0)
        guard narrowing.count <= 1 else {
            throw ValidationError("give one of \(narrowing.joined(separator: " and ")): each leaves out the other")
        }
        if let only = narrowing.first {
            guard folder == nil || filesOnly else {
                throw ValidationError("--folder is where files are made, and \(only) leaves those out")
            }
            guard echoCases.isEmpty || echoOnly else {
                throw ValidationError("--case is a load for the echo server, and \(only) leaves that out")
            }
            guard server == nil || !pairsOnly else {
                throw ValidationError("--server is not measured with --pairs-only")
            }
        }
        try OptionRange.check(rounds, in: 1...1000, option: "--rounds")
        try OptionRange.check(duration, in: 0.001...86_400, option: "--duration")
        try OptionRange.check(warmup, in: 0...86_400, option: "--warmup")
    }

    var cases: [ComparisonCase] {
        let echoes = (echoCases.isEmpty ? EchoCase.defaults : echoCases).map(ComparisonCase.echo)
        let files = FileCase.defaults.map(ComparisonCase.file)
        return (filesOnly || pairsOnly ? [] : echoes) + (echoOnly || pairsOnly ? [] : files)
    }

    /// One block size says it: a get and return costs the pool the same up to 16 MiB.
    var pairByteCounts: [Int] { echoOnly || filesOnly ? [] : [64 << 10] }

    func run() throws {
        Interruption.install()
        // Rather now than after a minute.
        for path in [html, svg, json].compactMap(\.self) where path != "-" { try OutputPath.check(path) }
        let json = json.map(JSONOutput.init)
        let text = json?.isStandardOutput == true ? StandardStream.error : .output
        let progress = ProgressLine()
        var comparison = Comparison(
            serverPath: server ?? Self.siblingServerPath, cases: cases, roundCount: rounds,
            warmupSeconds: warmup, durationSeconds: duration)
        comparison.folder = folder
        comparison.pairByteCounts = pairByteCounts
        let report = try comparison.run(progress: progress)
        progress.clear()
        text.write(ComparisonSummary(report: report, width: SummaryTable.width(for: text)).text)
        if !comparison.contenders.contains(.mimalloc) {
            text.write("\nmimalloc is not installed, and was not measured (Debian: libmimalloc2.0).\n")
        }
        if details { text.write("\n" + ComparisonTable(report).text) }
        try json?.write(report)
        if let html { try OutputPath.write(ComparisonPage(report).html, to: html) }
        if let svg { try OutputPath.write(SummaryChart(report).svg, to: svg) }
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

/// Files that a command writes at its end.
enum OutputPath {
    /// Throws when there is no such folder, or the file can't be written.
    static func check(_ path: String) throws {
        let folder = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        var status = stat()
        guard unsafe stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw ValidationError("'\(path)' can't be written: there is no folder \(folder)")
        }
        let isThere = unsafe access(path, F_OK) == 0
        guard unsafe access(isThere ? path : folder, W_OK) == 0 else {
            throw ValidationError("'\(path)' can't be written: \(SystemError.text(errno))")
        }
    }

    static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path))
    }
}
