import ArgumentParser
import CommandSupport
import SystemSupport
import ZeroPool

/// Measures contenders side by side: the server with each, and a get and return.
struct Comparison: Sendable {
    let serverPath: String
    let cases: [ComparisonCase]
    let roundCount: Int
    let warmupSeconds: Double
    let durationSeconds: Double
    var contenders = Contender.available
    /// Sizes of blocks of which a get and return is measured.
    var pairByteCounts: [Int] = []
    /// How long a server may take until it is ready, and to end: longer than its own drain time.
    var serverTimeoutSeconds = 10.0
    /// Where the files are made that file servers serve; nil for a folder of the system.
    var folder: String?

    /// A get and return has no ring.
    private var pairContenders: [Contender] { contenders.filter { $0 != .registered } }

    private var stepCount: Int {
        roundCount * (cases.count * contenders.count + pairByteCounts.count * pairContenders.count)
    }

    /// Blocks until all is measured; an error of a single measurement is one of the report's problems.
    ///
    /// Works on a thread of its own: servers and load run on the processor to which it is pinned when they start.
    func run(progress: ProgressLine) throws -> ComparisonReport {
        try SystemThread { Result { try measureAll(ComparisonProgress(stepCount: stepCount, line: progress)) } }.join()
            .get()
    }

    private func measureAll(_ progress: ComparisonProgress) throws -> ComparisonReport {
        let placement = Placement(allowed: ProcessBudget.allowedProcessors, siblings: Processors.siblings(of:))
        let folder = try makeFolder(progress)
        defer { folder?.remove() }
        var report = ComparisonReport(
            rounds: roundCount, warmupSeconds: warmupSeconds, durationSeconds: durationSeconds,
            machine: Machine(placement: placement), files: folder?.place)
        if let processor = placement.server { _ = ProcessBudget.pinCurrentThread(toProcessor: processor) }
        for byteCount in pairByteCounts {
            report.workloads.append(measurePairs(of: byteCount, into: &report, progress))
        }
        for comparisonCase in cases {
            var runs: [CellRun] = []
            do {
                // What can't be cold is said once, and not by every measurement.
                if let fileCase = comparisonCase.fileCase, fileCase.pageCache == .cold {
                    _ = try folder?.file(for: fileCase).makeCold()
                }
                runs = try measure(comparisonCase, in: folder, on: placement, into: &report, progress)
            } catch let error as PageCacheError {
                report.problems.append("\(comparisonCase.title): \(error)")
            }
            let result = ComparisonReport.CaseResult(case: comparisonCase, runs: runs)
            report.cases.append(result)
            if let workload = result.workload { report.workloads.append(workload) }
        }
        return report
    }

    /// Nil where no case needs one.
    private func makeFolder(_ progress: ComparisonProgress) throws(SystemError) -> ServedFolder? {
        let fileCases = cases.compactMap(\.fileCase)
        guard !fileCases.isEmpty else { return nil }
        progress.line.show("making files")
        return try ServedFolder(for: fileCases, in: folder)
    }

    /// All rounds of a case, the contenders taking turns.
    private func measure(
        _ comparisonCase: ComparisonCase, in folder: ServedFolder?, on placement: Placement,
        into report: inout ComparisonReport, _ progress: ComparisonProgress
    ) throws -> [CellRun] {
        progress.begin(comparisonCase.title)
        var runs: [CellRun] = []
        for round in 1...roundCount {
            for contender in contenders {
                let title = "\(comparisonCase.title), \(contender.title), round \(round)"
                progress.step("\(comparisonCase.shortTitle), \(contender.title)")
                let cell = Cell(
                    comparison: self, case: comparisonCase, contender: contender, round: round, placement: placement,
                    folder: folder)
                do throws(CellError) {
                    runs.append(try cell.measure())
                } catch {
                    switch error {
                    case .cannotStart(let error): throw error
                    case .problems(let problems): report.problems += problems.map { "\(title): \($0)" }
                    }
                }
            }
        }
        return runs
    }

    private func measurePairs(
        of byteCount: Int, into report: inout ComparisonReport, _ progress: ComparisonProgress
    ) -> Workload {
        let title = "get and return \(Format.byteCount(byteCount))"
        progress.begin(title)
        var costs: [Contender: [Int: Double]] = [:]
        for round in 1...roundCount {
            for contender in pairContenders {
                progress.step("\(title), \(contender.title)")
                do {
                    let values = try Sample(kind: .pair, contender: contender, byteCount: byteCount).run()
                    costs[contender, default: [:]][round] = values["nanoseconds"]
                } catch {
                    report.problems.append("\(title), round \(round): \(error)")
                }
            }
        }
        return Workload(
            title: title, name: title, kind: .getAndReturn, quantity: .nanoseconds, pool: .pooled, costs: costs)
    }
}

/// One load under which the contenders are compared.
enum ComparisonCase: Equatable, Sendable {
    case echo(EchoCase)
    case file(FileCase)

    var title: String {
        switch self {
        case .echo(let echo): echo.title
        case .file(let file): file.title
        }
    }

    /// The title in a narrow table.
    var shortTitle: String {
        switch self {
        case .echo(let echo): "echo \(Format.byteCount(echo.messageByteCount)) × \(echo.connections)"
        case .file(let file):
            "\(file.pageCache.rawValue) file \(Format.byteCount(file.fileByteCount)) × \(file.connections)"
        }
    }

    /// As it stands in a sentence.
    var name: String {
        switch self {
        case .echo(let echo): "echoes of \(Format.byteCount(echo.messageByteCount)) on \(echo.connections) connections"
        case .file(let file): "\(file.pageCache.rawValue) files of \(Format.byteCount(file.fileByteCount))"
        }
    }

    var kind: Workload.Kind {
        switch self {
        case .echo: .echo
        case .file(let file) where file.pageCache == .cold: .coldFile
        // Up to the size of a page or two the buffer is no part of the cost.
        case .file(let file): file.fileByteCount < 16 << 10 ? .smallFile : .hotFile
        }
    }

    var fileCase: FileCase? {
        guard case .file(let file) = self else { return nil }
        return file
    }
}

extension ComparisonCase: Encodable {
    /// As what it is of: the keys say which.
    func encode(to encoder: any Encoder) throws {
        switch self {
        case .echo(let echo): try echo.encode(to: encoder)
        case .file(let file): try file.encode(to: encoder)
        }
    }
}

/// One load under which the contenders are compared as echo servers: `64x512` is 64 connections with messages of 512 bytes.
struct EchoCase: Equatable, Sendable, Encodable {
    static let defaults = [
        EchoCase(connections: 64, messageByteCount: 512)
    ]

    static let messageByteCounts = 1...1 << 30

    let connections: Int
    let messageByteCount: Int

    var title: String {
        "\(Format.count(connections, "connection")) × \(Format.byteCount(messageByteCount))"
    }
}

extension EchoCase {
    /// Reads `64x512` or `16x64K`.
    static func parse(_ text: String) throws(ValidationError) -> EchoCase {
        let parts = text.split(separator: "x", omittingEmptySubsequences: false)
        guard parts.count == 2, let connections = Int(parts[0]), (1...BytePattern.period).contains(connections),
            let size = ByteCount(parts[1]), messageByteCounts.contains(size.value)
        else {
            throw ValidationError(
                "write connections (1 to \(BytePattern.period)), an x and a message size (1 to 1G), such as 64x512 or 16x64K"
            )
        }
        return EchoCase(connections: connections, messageByteCount: size.value)
    }
}
