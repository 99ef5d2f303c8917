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
        var report = ComparisonReport(
            rounds: roundCount, warmupSeconds: warmupSeconds, durationSeconds: durationSeconds, placement: placement)
        for comparisonCase in cases {
            var runs: [CellRun] = []
            for round in 1...roundCount {
                for mode in ServerMode.allCases {
                    let title = "\(comparisonCase.title), \(mode.rawValue), round \(round)"
                    progress.setLabel("\(title) of \(roundCount): ")
                    do throws(CellError) {
                        runs.append(
                            try measure(comparisonCase, mode, round: round, on: placement, progress: progress))
                    } catch {
                        switch error {
                        case .cannotStart(let error): throw error
                        case .problems(let problems): report.problems += problems.map { "\(title): \($0)" }
                        }
                    }
                }
            }
            report.cases.append(ComparisonReport.CaseResult(case: comparisonCase, runs: runs))
        }
        return report
    }

    private func pin(to processor: Int) throws(SystemError) {
        guard ProcessBudget.pinCurrentThread(toProcessor: processor) else {
            throw SystemError("pinning to processor \(processor)")
        }
    }

    private enum CellError: Error {
        /// No measurement is possible.
        case cannotStart(any Error)
        /// This one failed.
        case problems([String])
    }

    private func measure(
        _ comparisonCase: ComparisonCase, _ mode: ServerMode, round: Int, on placement: Placement,
        progress: ProgressLine
    ) throws(CellError) -> CellRun {
        let server: ServerProcess
        let address: SocketAddress
        do {
            if let processor = placement.server { try pin(to: processor) }
            server = try ServerProcess(
                path: serverPath,
                arguments: [
                    "echo", "--host", "127.0.0.1", "--port", "0", "--reactors", "1", "--buffers", mode.rawValue,
                    "--stats", "json",
                ])
            if let processor = placement.load { try pin(to: processor) }
            let endpoint = try server.waitUntilReady(timeoutSeconds: serverTimeoutSeconds)
            address = try SocketAddress.resolve(endpoint)[0]
        } catch {
            throw .cannotStart(error)
        }

        var plan = LoadPlan()
        plan.connectionCount = comparisonCase.connections
        plan.warmupSeconds = warmupSeconds
        plan.durationSeconds = durationSeconds
        let messageByteCount = comparisonCase.messageByteCount
        let tally: LoadTally
        do {
            let exchange = EchoExchange(messageByteCount: messageByteCount)
            tally = try Load.run(plan, exchange, to: address, observedProcess: server.id, progress: progress)
        } catch {
            throw .cannotStart(error)
        }

        let peak = server.peakResidentByteCount
        let ending = server.stop(timeoutSeconds: serverTimeoutSeconds)
        var problems = tally.problems
        if ending != .exited(0) {
            let meaning = ending == .exited(3) ? ": it cut connections that were not served to the end" : ""
            problems.append("the server ended with \(ending)\(meaning)")
        }
        var statistics = ServerStatistics()
        do {
            statistics = try ServerStatistics.read(fromOutput: server.standardOutput)
        } catch {
            problems.append("\(error)")
        }
        if problems.isEmpty, statistics.buffers != mode.rawValue {
            problems.append("asked for \(mode.rawValue) buffers, the server used '\(statistics.buffers)'")
        }
        if problems.isEmpty, statistics.bytes.received < tally.totalByteCount {
            problems.append("\(tally.totalByteCount) bytes came back, the server counts \(statistics.bytes.received)")
        }
        guard problems.isEmpty, let peak, let serverNanoseconds = tally.observedProcessorNanoseconds else {
            let output = server.standardError
            throw .problems(
                (problems.isEmpty ? ["the server ended before it was asked to"] : problems)
                    + (output.isEmpty ? [] : ["the server said: \(output.suffix(2000))"]))
        }
        let load = LoadReport(target: "", .echo(messageByteCount: messageByteCount), plan: plan, tally: tally)
        return CellRun(
            mode: mode, round: round, requestsPerSecond: load.requestsPerSecond,
            latencyMicroseconds: load.latencyMicroseconds,
            serverProcessorMicrosecondsPerRequest: Double(serverNanoseconds) / 1000 / Double(tally.requestCount),
            loadgenProcessorMicrosecondsPerRequest: load.loadgenProcessorMicrosecondsPerRequest,
            serverPeakByteCount: peak, totalRequestCount: tally.totalRequestCount, serverStatistics: statistics)
    }
}
