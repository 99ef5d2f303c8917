import Synchronization
import ZeroPool

/// Measures the server's modes side by side.
struct Comparison: Sendable {
    let serverPath: String
    let cases: [ComparisonCase]
    let roundCount: Int
    let warmupSeconds: Double
    let durationSeconds: Double
    /// How long a server may take until it is ready, and to end: longer than its own drain time.
    var serverTimeoutSeconds = 10.0
    /// Where the files are made that file servers serve; nil for a folder of the system.
    var folder: String?

    var cellCount: Int { cases.count * roundCount * ServerMode.allCases.count }

    /// About how long it takes: a server starts and ends in a moment.
    var estimatedSeconds: Double { Double(cellCount) * (warmupSeconds + durationSeconds + 0.15) }

    /// Blocks until all is measured; an error of a single measurement is one of the report's problems.
    ///
    /// Works on a thread of its own: servers and load run on the processor to which it is pinned when they start.
    func run(progress: ProgressLine) throws -> ComparisonReport {
        let outcome = Mutex<Result<ComparisonReport, any Error>?>(nil)
        try Thread {
            let result = Result { try measureAll(progress: progress) }
            outcome.withLock { $0 = result }
        }.join()
        return try outcome.withLock { $0! }.get()
    }

    private func measureAll(progress: ProgressLine) throws -> ComparisonReport {
        let placement = Placement(allowed: ProcessBudget.allowedProcessors, siblings: Processors.siblings(of:))
        let folder = try makeFolder(progress: progress)
        defer { folder?.remove() }
        var report = ComparisonReport(
            rounds: roundCount, warmupSeconds: warmupSeconds, durationSeconds: durationSeconds, placement: placement,
            files: folder?.place)
        for comparisonCase in cases {
            var runs: [CellRun] = []
            do {
                // What can't be cold is said once, and not by every measurement.
                if let fileCase = comparisonCase.fileCase, fileCase.pageCache == .cold {
                    _ = try folder?.file(for: fileCase).makeCold()
                }
                runs = try measure(comparisonCase, in: folder, on: placement, into: &report, progress: progress)
            } catch let error as PageCacheError {
                report.problems.append("\(comparisonCase.title): \(error)")
            }
            report.cases.append(ComparisonReport.CaseResult(case: comparisonCase, runs: runs))
        }
        return report
    }

    /// Nil where no case needs one.
    private func makeFolder(progress: ProgressLine) throws(SystemError) -> ServedFolder? {
        let fileCases = cases.compactMap(\.fileCase)
        guard !fileCases.isEmpty else { return nil }
        progress.show("making files")
        return try ServedFolder(for: fileCases, in: folder)
    }

    /// All rounds of a case, the modes taking turns.
    private func measure(
        _ comparisonCase: ComparisonCase, in folder: ServedFolder?, on placement: Placement,
        into report: inout ComparisonReport, progress: ProgressLine
    ) throws -> [CellRun] {
        var runs: [CellRun] = []
        for round in 1...roundCount {
            for mode in ServerMode.allCases {
                let title = "\(comparisonCase.title), \(mode.rawValue), round \(round)"
                progress.setLabel("\(title) of \(roundCount): ")
                let cell = Cell(
                    comparison: self, case: comparisonCase, mode: mode, round: round, placement: placement,
                    folder: folder)
                do throws(CellError) {
                    runs.append(try cell.measure(progress: progress))
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
}
