import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

@testable import PooledEcho

@Suite("A reactor whose ring has short queues", .ring)
struct ShortQueueTests {
    private static let peerCount = 64
    private static let byteCount = 64 * 1024

    private typealias Served = Result<ServerStatistics, ServerError>

    /// The server's thread, from ring to end.
    private static func serve(_ pool: BufferPool, _ listener: Listener, _ stopSignal: StopSignal) -> Served {
        let setup = KernelRing.Setup(
            mode: .pooled, pool: pool, queues: .init(submissionEntries: 4, completionEntries: 8),
            bufferByteCount: 4096, fileSlotCount: 2 * peerCount, zeroCopyPeers: .none, onDegradation: { _ in })
        let ring: KernelRing
        do throws(RingError) {
            ring = try KernelRing(setup, shard: 0, listener: listener, stopSignal: stopSignal)
        } catch {
            listener.stopListening()
            return .failure(.ring(error))
        }
        let limits = ReactorLimits(
            connection: EchoConnection.Limits(bufferByteCount: setup.bufferByteCount), idleSeconds: 0,
            stallSeconds: 60, trimSeconds: 0.001, drainSeconds: 60)
        let reactor = Reactor(
            ring: ring, service: EchoService(), slotCount: setup.fileSlotCount,
            admission: Admission(maxConnectionCount: peerCount),
            limits: limits)
        do throws(ServerError) {
            try reactor.run()
        } catch {
            listener.stopListening()
            return .failure(error)
        }
        var statistics = reactor.statistics
        ring.report(into: &statistics)
        return .success(statistics)
    }

    @Test("echoes to 64 peers at once, and loses nothing")
    func echoes() throws {
        let pool = BufferPool.builder().numShards(1).maxByteCount(64 << 20).build()
        let (listeners, address) = try Listener.open(host: "127.0.0.1", port: 0, count: 1)
        let stopSignal = try StopSignal()
        // Before there is a server, so that all of them wait at once.
        let peers = try (0..<Self.peerCount).map {
            EchoingPeer(try KernelPeer(id: $0, port: address.port), byteCount: Self.byteCount)
        }
        let listener = listeners[0]
        let thread = try ServerThread<Served> { Self.serve(pool, listener, stopSignal) }
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        // Far beyond what it takes; a server that loses something keeps its peer waiting.
        let deadline = ContinuousClock.now + .seconds(60)
        while !peers.allSatisfy(\.isDone), ContinuousClock.now < deadline {
            var progress = 0
            for peer in peers { progress += peer.advance(&generator) }
            if progress == 0 { usleep(1000) }
        }
        stopSignal.raise()
        // Who is not done would have the server wait.
        for peer in peers { peer.peer.close() }
        let statistics = try thread.join().get()
        for peer in peers {
            #expect(peer.isWhole, "peer \(peer.peer.id) got \(peer.peer.readByteCount) bytes, seed \(seed)")
        }
        #expect(statistics.connections.accepted == Self.peerCount)
        #expect(statistics.connections.failed == 0)
        #expect(statistics.bytes.received == Self.peerCount * Self.byteCount)
        #expect(statistics.bytes.sent == Self.peerCount * Self.byteCount)
        // All of them at once were too many for the queue of completions: that ended the accept.
        #expect(statistics.operations["accept", default: 0] > 1)
        #expect(pool.leasedBufferCount == 0)
    }
}
