import TestSupport
import Glibc
import Histogram
import SystemSupport
import Testing

@testable import loadgen

/// Real sockets, a real ring, real faults.
@Suite("Load", .serialized, .enabled(if: Machine.allowsRings, "io_uring is not available here"))
struct LoadTests {
    private func run(
        _ fault: EchoPeer.Fault = .none, ipv6: Bool = false, size: Int = 512,
        _ change: (inout LoadPlan) -> Void = { _ in }
    ) throws -> LoadTally {
        let peer = EchoPeer(fault, ipv6: ipv6)
        defer { peer.stop() }
        return try run(toPort: peer.port, host: ipv6 ? "::1" : "127.0.0.1", size: size, change)
    }

    private func run(
        toPort port: UInt16, host: String = "127.0.0.1", size: Int = 512,
        _ change: (inout LoadPlan) -> Void = { _ in }
    ) throws -> LoadTally {
        var plan = LoadPlan()
        plan.connectionCount = 4
        plan.warmupSeconds = 0.05
        plan.durationSeconds = 0.2
        plan.connectTimeoutSeconds = 2
        plan.drainTimeoutSeconds = 2
        change(&plan)
        let address = try Endpoint(host: host, port: port).addresses()[0]
        return try Load.run(
            plan, EchoExchange(messageByteCount: size), to: address, progress: ProgressLine(isShown: false))
    }

    @Test("An honest server: everything is measured, verified and drained")
    func honest() throws {
        let tally = try run()
        #expect(tally.problems.isEmpty)
        #expect(tally.requestCount > 0)
        #expect(tally.byteCount >= (tally.requestCount - 4) * 512)
        #expect(tally.latencies.totalCount == UInt64(tally.requestCount))
        #expect(tally.totalRequestCount > tally.requestCount)
        #expect(tally.totalByteCount == tally.totalRequestCount * 512)
        let window = Double(tally.windowNanoseconds) / 1e9
        #expect((0.2..<0.6).contains(window))
        #expect(tally.ownProcessorNanoseconds > 0)
        #expect(tally.observedProcessorNanoseconds == nil)
    }

    @Test(
        "Asked once, each connection has its first messages answered, within a window that begins with the first byte")
    func once() throws {
        let tally = try run(.trickles(byteCount: 100)) {
            $0.asksOnce = true
            $0.pipeline = 2
            $0.durationSeconds = 5
        }
        #expect(tally.problems.isEmpty, "\(tally.problems)")
        #expect(tally.requestCount == 8 && tally.totalRequestCount == 8 && tally.byteCount == 8 * 512)
        // As long as the slowest of them, and by no tick longer.
        #expect(tally.windowNanoseconds >= tally.latencies.max / 1000 * 999)
        #expect(tally.windowNanoseconds < 4_000_000_000)
    }

    @Test("Asked once, what has no answer when the time is up is an error")
    func onceUnanswered() throws {
        let tally = try run(.hangs(after: 1)) {
            $0.asksOnce = true
            $0.durationSeconds = 0.2
            $0.drainTimeoutSeconds = 0.2
        }
        #expect(tally.unansweredConnectionCount == 4 && tally.requestCount == 0)
    }

    @Test("What came of two runs, one after the other, is their sum, their times too")
    func append() throws {
        let runs = try (0..<2).map { _ in try run { $0.durationSeconds = 0.1 } }
        var sum = LoadTally()
        for var tally in runs {
            tally.observedProcessorNanoseconds = 1000
            sum.append(tally)
        }
        #expect(sum.requestCount == runs[0].requestCount + runs[1].requestCount)
        #expect(sum.latencies.totalCount == UInt64(sum.requestCount))
        #expect(sum.windowNanoseconds == runs[0].windowNanoseconds + runs[1].windowNanoseconds)
        #expect(sum.observedProcessorNanoseconds == 2000)
    }

    @Test("IPv6")
    func ipv6() throws {
        #expect(try run(ipv6: true).problems.isEmpty)
    }

    @Test("Several threads share the connections; each has its own pattern")
    func threads() throws {
        let tally = try run {
            $0.connectionCount = 7
            $0.threadCount = 3
        }
        #expect(tally.problems.isEmpty)
        #expect(tally.requestCount > 0)
        #expect(tally.latencies.totalCount == UInt64(tally.requestCount))
    }

    @Test(
        "Messages of every size, in flight together, in pieces of any size",
        arguments: [(1, 1, 0), (1, 64, 1), (511, 3, 100), (65536, 1, 0), (70_000, 5, 999)])
    func sizes(size: Int, pipeline: Int, piece: Int) throws {
        let tally = try run(piece > 0 ? .trickles(byteCount: piece) : .none, size: size) {
            $0.pipeline = pipeline
        }
        #expect(tally.problems.isEmpty)
        #expect(tally.requestCount > 0)
        #expect(tally.totalByteCount == tally.totalRequestCount * size)
    }

    @Test("Messages far beyond the sockets' buffers do not deadlock", arguments: [1 << 20, 5_000_000, 16 << 20])
    func largeMessages(size: Int) throws {
        let tally = try run(size: size) {
            $0.pipeline = 2
            $0.connectionCount = 2
            $0.durationSeconds = 0.5
            $0.drainTimeoutSeconds = 20
        }
        #expect(tally.problems.isEmpty)
        #expect(tally.requestCount > 0)
    }

    @Test("A thousand connections at once")
    func manyConnections() throws {
        let tally = try run { $0.connectionCount = 1000 }
        #expect(tally.problems.isEmpty)
        #expect(tally.requestCount >= 1000)
    }

    @Test(
        "Wrong bytes are found and named, and end the run",
        arguments: [
            EchoPeer.Fault.flips(at: 100_000), .drops(at: 99_999), .duplicates(at: 77_777),
            .swapsWithNext(at: 50_000),
        ])
    func wrongBytes(fault: EchoPeer.Fault) throws {
        let start = Clock.monotonicNanoseconds
        let tally = try run(fault) { $0.durationSeconds = 20 }
        let mismatch = try #require(tally.mismatch)
        #expect((50_000...100_016).contains(mismatch.offset))
        #expect(mismatch.expected != mismatch.received)
        #expect(tally.problems.contains { $0.hasPrefix("wrong bytes: connection \(mismatch.connection), byte ") })
        #expect(Clock.monotonicNanoseconds - start < 10_000_000_000)
    }

    @Test("Bytes of another connection are found at once")
    func crossedConnections() throws {
        let tally = try run(.crosses) { $0.connectionCount = 2 }
        let mismatch = try #require(tally.mismatch)
        #expect(mismatch.offset < 16)
    }

    @Test("Bytes that nobody sent are found")
    func greeting() throws {
        let tally = try run(.greets)
        #expect(tally.problems.contains { $0.hasPrefix("wrong bytes: connection ") })
    }

    @Test("Connections that the server closes are counted, and are an error")
    func closed() throws {
        let tally = try run(.closes(after: 100_000)) { $0.durationSeconds = 20 }
        #expect(tally.losses == ["closed by the server": 4])
        #expect(tally.problems.contains("4 connections lost: closed by the server"))
        #expect(tally.windowNanoseconds < 10_000_000_000)
    }

    @Test("Connections that the server resets are counted with the reason")
    func reset() throws {
        let tally = try run(.resets(after: 100_000)) { $0.durationSeconds = 20 }
        #expect(tally.lostConnectionCount == 4)
        #expect(tally.losses[SystemError.text(ECONNRESET)] ?? 0 > 0)
    }

    @Test("A server that never answers is an error, and the run ends when its times are over")
    func hung() throws {
        let start = Clock.monotonicNanoseconds
        let tally = try run(.hangs(after: 0)) { $0.drainTimeoutSeconds = 0.3 }
        #expect(tally.requestCount == 0)
        #expect(tally.unansweredConnectionCount == 4)
        #expect(tally.problems.contains { $0.hasPrefix("nothing was measured") })
        #expect(tally.problems.contains { $0.hasPrefix("4 connections still waiting for answers") })
        #expect(Clock.monotonicNanoseconds - start < 3_000_000_000)
    }

    @Test("A server that stops answering in the middle is an error, although something was measured")
    func hangsLater() throws {
        let tally = try run(.hangs(after: 1 << 17)) {
            $0.durationSeconds = 1
            $0.drainTimeoutSeconds = 0.3
        }
        #expect(tally.unansweredConnectionCount == 4)
        #expect(tally.totalByteCount >= 4 << 16)
        #expect(!tally.problems.isEmpty)
    }

    @Test("A port where nobody listens: every connection is a connect error, and nothing is a success")
    func refused() throws {
        let peer = EchoPeer()
        let port = peer.port
        peer.stop()
        let tally = try run(toPort: port)
        #expect(tally.connectErrors == [ECONNREFUSED: 4])
        #expect(tally.problems.contains("4 connections could not be made: \(SystemError.text(ECONNREFUSED))"))
    }

    @Test("What is not connected in time counts as timed out, once")
    func connectTimeout() throws {
        // A listen queue that is full: the kernel ignores further attempts.
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(listener, pointer, byteCount)
                listen(listener, 0)
                getsockname(listener, pointer, &byteCount)
            }
        }
        let tally = try run(toPort: address.sin_port.bigEndian) {
            $0.connectTimeoutSeconds = 0.3
            $0.drainTimeoutSeconds = 0.2
        }
        #expect(tally.connectErrors[ETIMEDOUT] ?? 0 >= 2)
        #expect(tally.connectErrorCount + tally.unansweredConnectionCount == 4)
    }

    @Test("More connections than open files are allowed is said before anything starts")
    func openFileLimit() {
        #expect(throws: OpenFileLimitError.self) { try Load.makeRoom(forSockets: Int(Int32.max)) }
    }
}
