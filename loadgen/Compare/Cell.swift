import ZeroPool

/// What is measured at a time: one case, one mode, one round, on a fresh server.
struct Cell {
    let comparison: Comparison
    let `case`: ComparisonCase
    let mode: ServerMode
    let round: Int
    let placement: Placement
    /// What file servers serve.
    let folder: ServedFolder?

    /// What came of the load, and how it was asked for.
    private struct Loaded {
        let tally: LoadTally
        let kind: LoadReport.Kind
        let plan: LoadPlan
        var file: FileLoad.Outcome?
    }

    /// Works on the calling thread, which it pins.
    func measure(progress: ProgressLine) throws(CellError) -> CellRun {
        let server: ServerProcess
        let loaded: Loaded
        do {
            if let processor = placement.server { try pin(to: processor) }
            server = try ServerProcess(path: comparison.serverPath, arguments: serverArguments)
            if let processor = placement.load { try pin(to: processor) }
            let endpoint = try server.waitUntilReady(timeoutSeconds: comparison.serverTimeoutSeconds)
            loaded = try load(server, at: endpoint, progress: progress)
        } catch let error as PageCacheError {
            throw .problems(["\(error)"])
        } catch {
            throw .cannotStart(error)
        }

        let tally = loaded.tally
        let peak = server.peakResidentByteCount
        let ending = server.stop(timeoutSeconds: comparison.serverTimeoutSeconds)
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
        if problems.isEmpty { problems += contradictions(in: statistics, to: tally) }
        guard problems.isEmpty, let peak, let serverNanoseconds = tally.observedProcessorNanoseconds else {
            let output = server.standardError
            throw .problems(
                (problems.isEmpty ? ["the server ended before it was asked to"] : problems)
                    + (output.isEmpty ? [] : ["the server said: \(output.suffix(2000))"]))
        }
        let report = LoadReport(target: "", loaded.kind, plan: loaded.plan, tally: tally)
        return CellRun(
            mode: mode, round: round, requestsPerSecond: report.requestsPerSecond,
            latencyMicroseconds: report.latencyMicroseconds,
            serverProcessorMicrosecondsPerRequest: Double(serverNanoseconds) / 1000 / Double(tally.requestCount),
            loadgenProcessorMicrosecondsPerRequest: report.loadgenProcessorMicrosecondsPerRequest,
            serverPeakByteCount: peak, totalRequestCount: tally.totalRequestCount, serverStatistics: statistics,
            file: loaded.file.map { outcome in
                CellRun.File(
                    bytesPerSecond: report.bytesPerSecond,
                    // Nanoseconds a byte.
                    serverProcessorSecondsPerGigabyte: Double(serverNanoseconds) / Double(tally.byteCount),
                    diskByteCountPerRequest: outcome.diskByteCount.map { Double($0) / Double(tally.totalRequestCount) },
                    residentByteCountBefore: outcome.residentByteCountBefore,
                    residentByteCountAfter: outcome.residentByteCountAfter)
            })
    }

    private func pin(to processor: Int) throws(SystemError) {
        guard ProcessBudget.pinCurrentThread(toProcessor: processor) else {
            throw SystemError("pinning to processor \(processor)")
        }
    }

    private var serverArguments: [String] {
        let service =
            switch `case` {
            case .echo: ["echo"]
            // Each response is read: what is kept and sent again has no mode.
            case .file: ["files", folder!.path, "--cache-bytes", "0"]
            }
        return service + [
            "--host", "127.0.0.1", "--port", "0", "--reactors", "1", "--buffers", mode.rawValue, "--stats", "json",
        ]
    }

    private func load(_ server: ServerProcess, at endpoint: Endpoint, progress: ProgressLine) throws -> Loaded {
        let address = try SocketAddress.resolve(endpoint)[0]
        var plan = LoadPlan()
        plan.warmupSeconds = comparison.warmupSeconds
        plan.durationSeconds = comparison.durationSeconds
        switch `case` {
        case .echo(let echo):
            plan.connectionCount = echo.connections
            let tally = try Load.run(
                plan, EchoExchange(messageByteCount: echo.messageByteCount), to: address, observedProcess: server.id,
                progress: progress)
            return Loaded(tally: tally, kind: .echo(messageByteCount: echo.messageByteCount), plan: plan)
        case .file(let fileCase):
            let load = FileLoad(fileCase: fileCase, file: folder!.file(for: fileCase), plan: plan)
            let outcome = try load.run(on: server, at: endpoint, address: address, progress: progress)
            return Loaded(tally: outcome.tally, kind: .http(isVerified: true), plan: plan, file: outcome)
        }
    }

    /// What the server says of itself that can't be, after what came back.
    private func contradictions(in statistics: ServerStatistics, to tally: LoadTally) -> [String] {
        var problems: [String] = []
        if statistics.buffers != mode.rawValue {
            problems.append("asked for \(mode.rawValue) buffers, the server used '\(statistics.buffers)'")
        }
        switch `case` {
        case .echo:
            if statistics.bytes.received < tally.totalByteCount {
                problems.append(
                    "\(tally.totalByteCount) bytes came back, the server counts \(statistics.bytes.received)")
            }
        case .file:
            if statistics.bytes.sent < tally.totalByteCount {
                problems.append("\(tally.totalByteCount) bytes came, the server counts \(statistics.bytes.sent)")
            }
            if statistics.files == nil { problems.append("the server says nothing of how it read files") }
        }
        return problems
    }
}

/// Why there is nothing to show for a cell.
enum CellError: Error {
    /// No measurement is possible.
    case cannotStart(any Error)
    /// This one failed.
    case problems([String])
}
