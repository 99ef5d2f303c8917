import FoundationEssentials
import Glibc
import Histogram
import Testing

@testable import loadgen

@Suite("Results")
struct LoadReportTests {
    @Test("Percentiles are those of the values, within the histogram's three digits")
    func percentiles() {
        var tally = LoadTally()
        for value in 1...100_000 { tally.latencies.record(UInt64(value) * 1000) }
        let summary = LatencySummary(tally.latencies)
        for (found, expected) in [
            (summary.p50, 50_000.0), (summary.p90, 90_000), (summary.p99, 99_000), (summary.p999, 99_900),
            (summary.max, 100_000),
        ] {
            #expect(abs(found - expected) <= expected / 1000, "\(found) for \(expected)")
        }
    }

    @Test("Threads add up: counts and histograms, not windows")
    func merge() {
        var total = LoadTally()
        for index in 1...2 {
            var tally = LoadTally()
            tally.requestCount = 10 * index
            tally.byteCount = 100 * index
            tally.windowNanoseconds = 1_000_000_000
            for _ in 0..<10 * index { tally.latencies.record(UInt64(index) * 120_000_000_000) }
            tally.connectErrors = [ECONNREFUSED: index]
            tally.losses = ["closed by the server": 1]
            tally.unansweredConnectionCount = index
            total.merge(tally)
        }
        let report = LoadReport(target: "x:1", .echo(messageByteCount: 512), plan: LoadPlan(), tally: total)
        #expect(report.requests == 30 && report.requestsPerSecond == 30 && report.bytesPerSecond == 300)
        #expect(total.latencies.totalCount == 30)
        // Beyond the minute that the histogram starts with.
        #expect(report.latencyMicroseconds.max >= 240_000_000)
        #expect(report.errors.connect == 3 && report.errors.lost == 2 && report.errors.unanswered == 3)
        #expect(report.problems.count == 3)
    }

    @Test("The JSON has the figures under stable names")
    func json() throws {
        var tally = LoadTally()
        tally.requestCount = 1
        tally.windowNanoseconds = 500_000_000
        tally.latencies.record(1000)
        let data = try JSONEncoder().encode(
            LoadReport(target: "[::1]:7", .echo(messageByteCount: 512), plan: LoadPlan(), tally: tally))
        struct Read: Decodable {
            let target: String
            let requestsPerSecond: Double
            let latencyMicroseconds: [String: Double]
            let problems: [String]
        }
        let read = try JSONDecoder().decode(Read.self, from: data)
        #expect(read.target == "[::1]:7" && read.requestsPerSecond == 2 && read.problems.isEmpty)
        #expect(read.latencyMicroseconds.keys.sorted() == ["max", "p50", "p90", "p99", "p99.9"])
    }

    @Test("Nothing measured is a problem, and its report has no nonsense in it")
    func nothing() throws {
        let report = LoadReport(target: "x:1", .echo(messageByteCount: 512), plan: LoadPlan(), tally: LoadTally())
        #expect(report.problems == ["nothing was measured: no message came back within the window"])
        #expect(report.requestsPerSecond == 0 && report.loadgenProcessorMicrosecondsPerRequest == 0)
        #expect(!report.text.contains(" nan") && !report.text.contains(" inf"))
        _ = try JSONEncoder().encode(report)
    }
}
