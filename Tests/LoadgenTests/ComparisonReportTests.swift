import Histogram
import Testing

@testable import loadgen

@Suite("Comparison figures")
struct ComparisonReportTests {
    private func run(
        _ contender: Contender, round: Int, requestsPerSecond: Double = 100, processorTime: Double = 5,
        operations: [String: Int] = ["recv": 1000, "send": 1000], fixed: Int = 0, zeroCopy: Int = 0, copied: Int = 0
    ) -> CellRun {
        var statistics = ServerStatistics()
        statistics.operations = operations
        statistics.connections.accepted = 5
        statistics.fixedBufferOperations = fixed
        statistics.zeroCopySends = .init(count: zeroCopy, copied: copied)
        return CellRun(
            contender: contender, round: round, requestsPerSecond: requestsPerSecond,
            latencyMicroseconds: LatencySummary(Histogram<UInt64>(highestTrackableValue: 1000)),
            serverProcessorMicrosecondsPerRequest: processorTime, loadgenProcessorMicrosecondsPerRequest: 1,
            serverPeakByteCount: 1 << 20, totalRequestCount: 1000, serverStatistics: statistics)
    }

    private func result(_ runs: [CellRun]) -> ComparisonReport.CaseResult {
        ComparisonReport.CaseResult(case: .echo(EchoCase(connections: 1, messageByteCount: 1)), runs: runs)
    }

    @Test("Median and bounds, for odd and even counts")
    func spread() {
        #expect(Spread([]) == nil)
        #expect(Spread([3])?.median == 3)
        let odd = Spread([9, 1, 4])
        #expect(odd?.median == 4 && odd?.min == 1 && odd?.max == 9)
        #expect(Spread([4, 1, 2, 9])?.median == 3)
    }

    @Test("Ratios are those of each round, not of the medians")
    func ratios() throws {
        // The machine is slow in round 2 and slower in round 3; within each round pooled takes half of malloc's time.
        let runs = [(1, 10.0), (2, 30.0), (3, 50.0)].flatMap { round, time in
            [
                run(.malloc, round: round, requestsPerSecond: 1000 / time, processorTime: time),
                run(.pooled, round: round, requestsPerSecond: 1200 / time, processorTime: time / 2),
            ]
        }
        let pooled = try #require(result(runs).contenders.first { $0.contender == .pooled })
        #expect(pooled.processorTimeToMalloc == Spread([0.5]))
        #expect(try #require(pooled.requestsPerSecondToMalloc).median == 1.2)
        #expect(pooled.serverProcessorMicrosecondsPerRequest.max == 25)
    }

    @Test("A round without malloc has no ratio")
    func ratiosWithoutMalloc() throws {
        let runs = [
            run(.malloc, round: 1, processorTime: 10), run(.pooled, round: 1, processorTime: 20),
            run(.pooled, round: 2, processorTime: 1),
        ]
        let pooled = try #require(result(runs).contenders.first { $0.contender == .pooled })
        #expect(pooled.processorTimeToMalloc == Spread([2]))
        #expect(result([run(.pooled, round: 1)]).contenders[0].processorTimeToMalloc == nil)
    }

    @Test("What makes and ends connections, and exceptions, are not the path of a request")
    func rareOperations() {
        let runs = [
            run(.pooled, round: 1, operations: ["recv": 1000, "send": 900, "accept": 90, "cancel": 90, "write": 4]),
            run(.malloc, round: 1, operations: ["recv": 1000, "send": 1000, "accept": 3]),
        ]
        #expect(result(runs).contenders.map(\.samePathAs) == [[.pooled], [.malloc]])
    }

    @Test("A multishot receive, armed once a connection, is on the path, however rare")
    func multishot() {
        let runs = [
            run(.registered, round: 1, operations: ["recv": 5, "send": 1000]),
            run(.pooled, round: 1, operations: ["recv": 800, "send": 1000]),
            run(.malloc, round: 1, operations: ["read": 5, "send": 1000]),
        ]
        #expect(result(runs).contenders.map(\.samePathAs) == [[], [.registered], [.pooled]])
        #expect(result(runs).contenders[2].path.text.hasPrefix("1.00 send + 0.01 recv per request; "))
    }

    @Test(
        "Opcodes, registered buffers and zero copy each make another path",
        arguments: [
            (["recv": 1000, "write_fixed": 1000], 0, 0, 0), (["recv": 1000, "send": 1000], 1000, 0, 0),
            (["recv": 1000, "send": 1000], 0, 1000, 0), (["recv": 1000], 0, 0, 0),
        ])
    func otherPaths(operations: [String: Int], fixed: Int, zeroCopy: Int, copied: Int) {
        let other = run(
            .registered, round: 1, operations: operations, fixed: fixed, zeroCopy: zeroCopy, copied: copied)
        #expect(result([other, run(.malloc, round: 1)]).contenders.map(\.samePathAs) == [[], []])
    }

    @Test("Zero copy that was copied after all is another path than zero copy that was not")
    func copiedAfterAll() {
        let runs = [
            run(.registered, round: 1, zeroCopy: 1000, copied: 1000), run(.pooled, round: 1, zeroCopy: 1000),
        ]
        #expect(result(runs).contenders.map(\.samePathAs) == [[], []])
        let text = result(runs).contenders[1].path.text
        #expect(text.contains("1.00 zero-copy, 1.00 copied after all"), "\(text)")
    }

    @Test("Server and load stand apart: on two cores where there are two, else on two threads, else not pinned")
    func placement() {
        let apart = Placement(allowed: [0, 1, 2, 3], siblings: { $0 < 2 ? [0, 1] : [2, 3] })
        #expect(apart.server == 3 && apart.load == 0 && !apart.sharesCore)
        let together = Placement(allowed: [4, 5], siblings: { _ in [4, 5] })
        #expect(together.server == 5 && together.load == 4 && together.sharesCore)
        let alone = Placement(allowed: [2], siblings: { [$0] })
        #expect(alone.server == nil && alone.load == nil)
        #expect(alone.text.contains("nothing is pinned"))
    }

    @Test("The kernel's lists of processors")
    func processorLists() {
        #expect(Processors.list("0\n") == [0])
        #expect(Processors.list("0-3,8\n") == [0, 1, 2, 3, 8])
        #expect(Processors.list("") == [])
    }
}
