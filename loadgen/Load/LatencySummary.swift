import Histogram

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
