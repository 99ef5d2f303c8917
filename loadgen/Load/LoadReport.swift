/// The result of `loadgen echo`: what `--json` writes.
struct LoadReport: Codable, Sendable {
    struct Errors: Codable, Sendable {
        let connect: Int
        let lost: Int
        let unanswered: Int
        let mismatch: Mismatch?
    }

    let target: String
    let connections: Int
    let messageByteCount: Int
    let pipeline: Int
    let threads: Int
    let warmupSeconds: Double
    /// The measured window, as it was.
    let windowSeconds: Double
    let requests: Int
    let requestsPerSecond: Double
    /// Echoed bytes: as many went out.
    let bytesPerSecond: Double
    let latencyMicroseconds: LatencySummary
    /// Bytes compared with what was sent, warm-up and drain included.
    let verifiedByteCount: Int
    /// The load generator's own CPU time: what says whether it was the bottleneck.
    let loadgenProcessorMicrosecondsPerRequest: Double
    let errors: Errors
    /// Everything that went wrong, a sentence each; empty after a clean run.
    let problems: [String]

    init(target: String, plan: LoadPlan, tally: LoadTally) {
        let windowSeconds = Double(tally.windowNanoseconds) / 1e9
        self.target = target
        connections = plan.connectionCount
        messageByteCount = plan.messageByteCount
        pipeline = plan.pipeline
        threads = plan.threadCount
        warmupSeconds = plan.warmupSeconds
        self.windowSeconds = windowSeconds
        requests = tally.requestCount
        requestsPerSecond = windowSeconds > 0 ? Double(tally.requestCount) / windowSeconds : 0
        bytesPerSecond = windowSeconds > 0 ? Double(tally.byteCount) / windowSeconds : 0
        latencyMicroseconds = LatencySummary(tally.latencies)
        verifiedByteCount = tally.totalByteCount
        loadgenProcessorMicrosecondsPerRequest =
            tally.requestCount > 0 ? Double(tally.ownProcessorNanoseconds) / 1000 / Double(tally.requestCount) : 0
        errors = Errors(
            connect: tally.connectErrorCount, lost: tally.lostConnectionCount,
            unanswered: tally.unansweredConnectionCount, mismatch: tally.mismatch)
        problems = tally.problems
    }

    /// What a person reads; the problems stand elsewhere.
    var text: String {
        let title = """
            \(Format.count(connections, "connection")) × \(Format.byteCount(messageByteCount)) to \(target), \
            \(Format.count(pipeline, "message")) in flight each, \(Format.count(threads, "thread")), \
            \(Format.decimal(windowSeconds, places: 2)) s measured

            """
        let connections = """
              connections  \(errors.connect) not made, \(errors.lost) lost, \(errors.unanswered) unanswered

            """
        return title + (requests > 0 ? figures : "") + connections
    }

    private var figures: String {
        let latency = latencyMicroseconds
        return """
              requests/s   \(Format.grouped(requestsPerSecond))
              bytes/s      \(Format.byteRate(bytesPerSecond)) echoed
              latency µs   p50 \(Format.microseconds(latency.p50))  p90 \(Format.microseconds(latency.p90))  \
            p99 \(Format.microseconds(latency.p99))  p99.9 \(Format.microseconds(latency.p999))  \
            max \(Format.microseconds(latency.max))
              verified     \(Format.byteCount(verifiedByteCount)), every byte compared
              loadgen CPU  \(Format.decimal(loadgenProcessorMicrosecondsPerRequest, places: 2)) µs a request

            """
    }
}
