import SystemSupport
import ZeroPool

/// What is measured at a time: one case, one contender, one round, on a fresh server.
struct Cell {
    let comparison: Comparison
    let `case`: ComparisonCase
    let contender: Contender
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
    func measure() throws(CellError) -> CellRun {
        let server: ServerProcess
        let loaded: Loaded
        let workBefore: ServerProcess.Work?
        var problems: [String] = []
        do {
            if let processor = placement.server { try pin(to: processor) }
            server = try ServerProcess(
                path: comparison.serverPath, arguments: serverArguments, environment: contender.environment)
            if let processor = placement.load { try pin(to: processor) }
            let endpoint = try server.waitUntilReady(timeoutSeconds: comparison.serverTimeoutSeconds)
            if contender == .mimalloc, !Mimalloc.isLoaded(inProcess: server.id) {
                problems.append("the server runs without mimalloc, which was to be preloaded")
            }
            workBefore = server.work
            loaded = try load(server, at: endpoint)
        } catch let error as PageCacheError {
            throw .problems(["\(error)"])
        } catch {
            throw .cannotStart(error)
        }

        let tally = loaded.tally
        let peak = server.peakResidentByteCount
        let workAfter = server.work
        let ending = server.stop(timeoutSeconds: comparison.serverTimeoutSeconds)
        problems += tally.problems
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
        var run = CellRun(
            contender: contender, round: round, requestsPerSecond: report.requestsPerSecond,
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
        if let workBefore, let workAfter {
            let faultCount = workAfter.pageFaultCount - workBefore.pageFaultCount
            run.serverPageFaultsPerRequest = Double(faultCount) / Double(tally.totalRequestCount)
            let kernel = Double(workAfter.kernelTickCount - workBefore.kernelTickCount)
            let all = kernel + Double(workAfter.userTickCount - workBefore.userTickCount)
            // A tick is a hundredth of a second.
            if all >= 10 { run.serverKernelShare = kernel / all }
        }
        return run
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
            // Each response is read: what is kept and sent again needs no buffer.
            case .file: ["files", folder!.path, "--cache-size", "0"]
            }
        return service + [
            "--host", "127.0.0.1", "--port", "0", "--reactors", "1", "--buffers", contender.bufferMode, "--stats",
            "json",
        ]
    }

    private func load(_ server: ServerProcess, at endpoint: Endpoint) throws -> Loaded {
        // It is over in a moment; what is measured is shown by the comparison.
        let progress = ProgressLine(isShown: false)
        let address = try endpoint.addresses()[0]
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
        if statistics.buffers != contender.bufferMode {
            problems.append("asked for \(contender.bufferMode) buffers, the server used '\(statistics.buffers)'")
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
            if statistics.files == nil { problems.append("the server did not report how it read files") }
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

/// One measurement: one case, one contender, one round, one fresh server.
struct CellRun: Encodable, Sendable {
    /// What only a file server's measurement has.
    struct File: Encodable, Sendable {
        let bytesPerSecond: Double
        /// Of 10⁹ bytes of the file.
        let serverProcessorSecondsPerGigabyte: Double
        /// What the server had read from disks, by the kernel's count; nil where it does not say.
        let diskByteCountPerRequest: Double?
        /// How much of the file was in the page cache before the requests: the most before any of them, of a cold one.
        let residentByteCountBefore: Int
        let residentByteCountAfter: Int
    }

    let contender: Contender
    let round: Int
    let requestsPerSecond: Double
    let latencyMicroseconds: LatencySummary
    /// CPU time of the server, and of loadgen, within the measured window.
    let serverProcessorMicrosecondsPerRequest: Double
    let loadgenProcessorMicrosecondsPerRequest: Double
    let serverPeakByteCount: Int
    /// Page faults of the server per request that needed no disk, warm-up included.
    var serverPageFaultsPerRequest = 0.0
    /// How much of the server's CPU time the kernel used for it, from 0 to 1, warm-up included; nil when that was too little to tell.
    var serverKernelShare: Double?
    /// Messages of the whole run, warm-up included: what the server's own statistics cover.
    let totalRequestCount: Int
    let serverStatistics: ServerStatistics
    var file: File?
}
