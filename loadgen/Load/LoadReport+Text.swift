extension LoadReport {
    /// What a person reads; the problems stand elsewhere.
    var text: String {
        let message = http == nil ? "message" : "request"
        let said = messageByteCount.map { "\(Format.byteCount($0)) to \(target)" } ?? "GET \(target)"
        let title = """
            \(Format.count(connections, "connection")) × \(said), \(Format.count(pipeline, message)) in flight each, \
            \(Format.count(threads, "thread")), \(Format.decimal(windowSeconds, places: 2)) s measured

            """
        let again = http.map { ", \($0.reconnects) made again as the server said" } ?? ""
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
