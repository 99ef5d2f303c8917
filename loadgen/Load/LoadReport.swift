/// The result of one load: what `--json` writes.
struct LoadReport: Codable, Sendable {
    /// What was said on the connections.
    enum Kind {
        case echo(messageByteCount: Int)
        /// - Parameter isVerified: Whether bodies were compared with what they had to be.
        case http(isVerified: Bool)
    }

    /// What only HTTP has.
    struct HTTP: Codable, Sendable {
        /// Answers by status, warm-up and drain included.
        let statuses: [String: Int]
        /// Connections made again, since the server closed them as it had said.
        let reconnects: Int
    }

    struct Errors: Codable, Sendable {
        let connect: Int
        let lost: Int
        let unanswered: Int
        let mismatch: Mismatch?
    }

    let target: String
    let connections: Int
    /// Of an echo.
    let messageByteCount: Int?
    let pipeline: Int
    let threads: Int
    let warmupSeconds: Double
    /// The measured window, as it was.
    let windowSeconds: Double
    let requests: Int
    let requestsPerSecond: Double
    /// Echoed bytes, of which as many went out; or bytes of bodies.
    let bytesPerSecond: Double
    let latencyMicroseconds: LatencySummary
    /// Bytes compared with what they had to be, warm-up and drain included.
    let verifiedByteCount: Int
    /// The load generator's own CPU time: what says whether it was the bottleneck.
    let loadgenProcessorMicrosecondsPerRequest: Double
    /// What the load generator asked of its rings from first to last, by opcode.
    let operations: [String: Int]
    let http: HTTP?
    let errors: Errors
    /// Everything that went wrong, a sentence each; empty after a clean run.
    let problems: [String]

    init(target: String, _ kind: Kind, plan: LoadPlan, tally: LoadTally) {
        let windowSeconds = Double(tally.windowNanoseconds) / 1e9
        self.target = target
        connections = plan.connectionCount
        pipeline = plan.pipeline
        threads = plan.threadCount
        warmupSeconds = plan.warmupSeconds
        self.windowSeconds = windowSeconds
        requests = tally.requestCount
        requestsPerSecond = windowSeconds > 0 ? Double(tally.requestCount) / windowSeconds : 0
        bytesPerSecond = windowSeconds > 0 ? Double(tally.byteCount) / windowSeconds : 0
        latencyMicroseconds = LatencySummary(tally.latencies)
        switch kind {
        case .echo(let byteCount):
            messageByteCount = byteCount
            http = nil
            verifiedByteCount = tally.totalByteCount
        case .http(let isVerified):
            messageByteCount = nil
            let statuses = tally.statuses.counts.map { ("\($0.status)", $0.count) }
            http = HTTP(
                statuses: Dictionary(uniqueKeysWithValues: statuses), reconnects: tally.reconnectCount)
            verifiedByteCount = isVerified ? tally.totalByteCount : 0
        }
        operations = tally.operations
        loadgenProcessorMicrosecondsPerRequest =
            tally.requestCount > 0 ? Double(tally.ownProcessorNanoseconds) / 1000 / Double(tally.requestCount) : 0
        errors = Errors(
            connect: tally.connectErrorCount, lost: tally.lostConnectionCount,
            unanswered: tally.unansweredConnectionCount, mismatch: tally.mismatch)
        problems = tally.problems
    }
}
