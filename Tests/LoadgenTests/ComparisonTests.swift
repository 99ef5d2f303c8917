import TestSupport
import FoundationEssentials
import Testing
import ZeroPool

@testable import loadgen

/// Whole comparisons, with children that are real servers.
@Suite("Comparison", .serialized, .enabled(if: Machine.allowsRings, "io_uring is not available here"))
struct ComparisonTests {
    private func compare(_ server: ScriptedServer, rounds: Int = 1) throws -> ComparisonReport {
        var comparison = Comparison(
            serverPath: server.path, cases: [.echo(EchoCase(connections: 4, messageByteCount: 512))],
            roundCount: rounds, warmupSeconds: 0.05, durationSeconds: 0.15)
        comparison.contenders = [.malloc, .pooled, .registered]
        return try comparison.run(progress: ProgressLine(isShown: false))
    }

    @Test("Every contender is measured in every round, in turns, and the table says what was found")
    func measures() throws {
        let report = try compare(ScriptedServer(), rounds: 2)
        #expect(report.problems.isEmpty)
        let result = try #require(report.cases.first)
        #expect(
            result.runs.map { "\($0.contender.title) \($0.round)" } == [
                "malloc 1", "pooled 1", "registered 1", "malloc 2", "pooled 2", "registered 2",
            ])
        for run in result.runs {
            #expect(run.requestsPerSecond > 0 && run.serverPeakByteCount > 1 << 20)
            #expect(run.serverStatistics.bytes.received == run.totalRequestCount * 512)
        }
        // A python server: some microseconds a request, not nothing and not seconds. On a machine that is busy otherwise
        // it may get no time within one window.
        let processorTime = try #require(Spread(result.runs.map(\.serverProcessorMicrosecondsPerRequest)))
        #expect((1..<10000).contains(processorTime.max))
        let text = ComparisonTable(report).text
        for expected in [
            "4 connections × 512 B", "registered", "pooled", "malloc", "1.00 recv + 1.00 send per request",
        ] {
            #expect(text.contains(expected), "\(expected) in\n\(text)")
        }
        #expect(result.contenders.map { $0.processorTimeToMalloc == nil } == [true, false, false])
        _ = try JSONEncoder().encode(report)
    }

    @Test("The same operations under three names are shown as the same")
    func sameOperations() throws {
        let report = try compare(ScriptedServer())
        let modes = try #require(report.cases.first).contenders
        #expect(modes.map(\.samePathAs) == [[.pooled, .registered], [.malloc, .registered], [.malloc, .pooled]])
        let text = ComparisonTable(report).text
        #expect(text.contains("malloc, pooled, registered, the same: 1.00 recv + 1.00 send per request"), "\(text)")
    }

    @Test("Another opcode, or the same with a registered buffer, is another path")
    func otherOperations() throws {
        let opcode = try compare(
            ScriptedServer(operations: "{'recv': n, 'write_fixed' if mode == 'registered' else 'send': n}"))
        #expect(opcode.cases[0].contenders.map(\.samePathAs) == [[.pooled], [.malloc], []])
        let fixed = try compare(ScriptedServer(fixed: "n if mode == 'registered' else 0"))
        #expect(fixed.cases[0].contenders.map(\.samePathAs) == [[.pooled], [.malloc], []])
        #expect(ComparisonTable(fixed).text.contains("malloc, pooled, the same: "))
    }

    @Test("Wrong bytes in one mode are a problem that names it, and the others are still measured")
    func wrongBytes() throws {
        let server = try ScriptedServer(fault: "if mode == 'pooled': data = data[1:] + data[:1]")
        let report = try compare(server)
        #expect(report.problems.count >= 1)
        #expect(report.problems.allSatisfy { $0.hasPrefix("4 connections × 512 B, pooled, round 1: ") })
        #expect(report.problems.contains { $0.contains("wrong bytes: connection ") })
        #expect(report.cases[0].contenders.map(\.contender) == [.malloc, .registered])
    }

    @Test("A server that cut something, or another mode than the one asked for, is a problem")
    func endings() throws {
        let cut = try compare(ScriptedServer(exitStatus: 3))
        #expect(cut.problems.count { $0.contains("exit status 3: it cut connections") } == 3)
        #expect(cut.cases[0].contenders.isEmpty)
        let other = try compare(ScriptedServer(reported: "'malloc'"))
        #expect(other.problems.count { $0.contains("the server used 'malloc'") } == 2)
    }

    @Test("A server program that is not there ends the comparison")
    func missingServer() throws {
        let comparison = Comparison(
            serverPath: "/no/such/pooled-echo", cases: EchoCase.defaults.map(ComparisonCase.echo), roundCount: 1,
            warmupSeconds: 0,
            durationSeconds: 0.1)
        #expect(throws: ServerError.notFound(path: "/no/such/pooled-echo")) {
            try comparison.run(progress: ProgressLine(isShown: false))
        }
    }

    @Test("The calling thread stays where it was")
    func leavesTheCallerAlone() throws {
        let before = ProcessBudget.allowedProcessors
        _ = try compare(ScriptedServer())
        #expect(ProcessBudget.allowedProcessors == before)
    }
}
