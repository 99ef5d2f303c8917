import Histogram

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

/// The percentiles that are reported, in microseconds.
struct LatencySummary: Codable, Equatable, Sendable {
    let p50: Double
    let p90: Double
    let p99: Double
    let p999: Double
    let max: Double

    private enum CodingKeys: String, CodingKey {
        case p50, p90, p99, max
        case p999 = "p99.9"
    }

    init(_ nanoseconds: Histogram<UInt64>) {
        func microseconds(_ percentile: Double) -> Double {
            Double(nanoseconds.valueAtPercentile(percentile)) / 1000
        }
        p50 = microseconds(50)
        p90 = microseconds(90)
        p99 = microseconds(99)
        p999 = microseconds(99.9)
        max = nanoseconds.totalCount == 0 ? 0 : Double(nanoseconds.max) / 1000
    }
}

/// How many answers had which status. Nearly always there is one, and to count is to add.
struct StatusCounts: Sendable {
    /// Those that occurred, in the order in which they did.
    private(set) var counts: [(status: Int, count: Int)] = []

    mutating func count(_ status: Int, times: Int = 1) {
        if let index = counts.firstIndex(where: { $0.status == status }) {
            counts[index].count += times
        } else {
            counts.append((status, times))
        }
    }

    mutating func merge(_ other: StatusCounts) {
        for (status, times) in other.counts { count(status, times: times) }
    }
}

extension LoadReport {
    /// What a person reads; the problems stand elsewhere.
    var text: String {
        let message = http == nil ? "message" : "request"
        let said = messageByteCount.map { "\(Format.byteCount($0)) to \(target)" } ?? "GET \(target)"
        let title = """
            \(Format.count(connections, "connection")) × \(said), \(Format.count(pipeline, message)) in flight each, \
            \(Format.count(threads, "thread")), \(Format.decimal(windowSeconds, places: 2)) s measured

            """
        let again = http.map { ", \($0.reconnects) reopened after the server closed them" } ?? ""
        let connections = """
              connections  \(errors.connect) not made, \(errors.lost) lost, \(errors.unanswered) unanswered\(again)

            """
        return title + (requests > 0 ? figures : "") + answers + connections
    }

    private var figures: String {
        let latency = latencyMicroseconds
        return """
              requests/s   \(Format.grouped(requestsPerSecond))
              bytes/s      \(Format.byteRate(bytesPerSecond)) \(http == nil ? "echoed" : "of bodies")
              latency µs   p50 \(Format.microseconds(latency.p50))  p90 \(Format.microseconds(latency.p90))  \
            p99 \(Format.microseconds(latency.p99))  p99.9 \(Format.microseconds(latency.p999))  \
            max \(Format.microseconds(latency.max))
              verified     \(verified)
              loadgen CPU  \(Format.decimal(loadgenProcessorMicrosecondsPerRequest, places: 2)) µs a request

            """
    }

    private var verified: String {
        guard http == nil || verifiedByteCount > 0 else { return "nothing: bodies were only counted" }
        return "\(Format.byteCount(verifiedByteCount)), every byte compared"
    }

    /// The statuses, and by which operations the load generator got them.
    private var answers: String {
        guard let http else { return "" }
        let statuses = http.statuses.sorted { $0.key < $1.key }.map { "\($0.key): \(Format.grouped(Double($0.value)))" }
        let operations = operations.sorted { $0.value > $1.value }.map {
            "\(Format.grouped(Double($0.value))) \($0.key)"
        }
        return """
              answers      \(statuses.isEmpty ? "none" : statuses.joined(separator: ", ")) (warm-up included)
              operations   \(operations.joined(separator: ", "))

            """
    }
}
