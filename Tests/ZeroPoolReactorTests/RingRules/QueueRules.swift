import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolURing

@testable import PooledEcho
@testable import ZeroPoolReactor
import TestSupport

@Suite("A reactor whose ring has short queues", .ring)
struct ShortQueueTests {
    private static let peerCount = 64
    private static let byteCount = 64 * 1024

    private typealias Served = Result<ReactorStatistics, ReactorError>

    /// The reactor's thread, from ring to end. `started` is told of it.
    private static func serve(
        _ pool: BufferPool, _ socket: ListeningSocket, _ started: Monitor<Reactor?>
    ) -> Served {
        let setup = KernelRing.Setup(
            mode: .pooled, pool: pool, queues: .init(submissionEntries: 4, completionEntries: 8),
            bufferByteCount: 4096, fileSlotCount: 2 * peerCount, onDegradation: { _ in })
        do throws(ReactorError) {
            let bell = try EventBell()
            let ring: KernelRing
            do throws(RingError) {
                ring = try KernelRing(setup, shard: 0, bell: bell)
            } catch {
                throw .ring(error)
            }
            ring.listen(on: socket, zeroCopyPeers: .none)
            var connectionLimits = ConnectionLimits(bufferByteCount: setup.bufferByteCount)
            (connectionLimits.idleSeconds, connectionLimits.stallSeconds) = (0, 60)
            let reactor = Reactor(
                ring: ring, pool: pool, bell: bell, slotCount: setup.fileSlotCount,
                admission: Admission(maxConnectionCount: peerCount),
                limits: ReactorLimits(connection: connectionLimits, trimSeconds: 0.001, drainSeconds: 60))
            reactor.serve(serveEcho)
            started.withLock { $0 = reactor }
            try reactor.run()
            var statistics = reactor.statistics
            ring.report(into: &statistics)
            return .success(statistics)
        } catch {
            socket.stopListening()
            return .failure(error)
        }
    }

    @Test("echoes to 64 peers at once, and loses nothing")
    func echoes() throws {
        let pool = BufferPool.builder().numShards(1).maxByteCount(64 << 20).build()
        let listener = try Listener(at: SocketAddress(resolving: "127.0.0.1", port: 0), count: 1)
        // Before there is a server, so that all of them wait at once.
        let peers = try (0..<Self.peerCount).map {
            EchoingPeer(try KernelPeer(id: $0, port: listener.address.port), byteCount: Self.byteCount)
        }
        let started = Monitor<Reactor?>(nil)
        let thread = try SystemThread<Served> { Self.serve(pool, listener.sockets[0], started) }
        let seed = UInt64.random(in: .min ... .max)
        var generator = SeededGenerator(seed: seed)
        // Far beyond what it takes; a server that loses something keeps its peer waiting.
        let deadline = ContinuousClock.now + .seconds(60)
        while !peers.allSatisfy(\.isDone), ContinuousClock.now < deadline {
            var progress = 0
            for peer in peers { progress += peer.advance(&generator) }
            if progress == 0 { usleep(1000) }
        }
        started.withLock { $0 }?.post { $0.end() }
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

@Suite("Rules of the ring: full queues", .ring)
struct QueueRules {
    private let peerCount = 40
    private let byteCount = 1000

    /// Full queues may end what goes on, for no reason; they lose nothing.
    @Test("with queues of a few entries every operation has its events", arguments: WorldKind.allCases)
    func shortQueues(_ kind: WorldKind) throws {
        try kind.play(RingWorldOptions(slotCount: 64, hasShortQueues: true)) { session throws in
            let peers = try (0..<peerCount).map { _ in try session.connect() }
            for peer in peers { #expect(peer.send(byteCount) == byteCount) }
            session.armAccept()
            var (acceptedCount, sentCount, endedCount) = (0, 0, 0)
            while endedCount < peerCount {
                for event in try session.next(1) {
                    switch event {
                    case .accepted(let number):
                        acceptedCount += 1
                        session.ring.armReceive(number, .multishot)
                    case .acceptEnded(errno: 0):
                        session.armAccept()
                    case .received(let number, byteCount):
                        session.releaseLeases()
                        session.ring.refill()
                        try session.send(byteCount, to: number)
                    case .receiveEnded(let number, 0, false), .receiveEnded(let number, ENOBUFS, false):
                        session.ring.armReceive(number, .multishot)
                    case .sent(_, byteCount, true):
                        sentCount += 1
                        guard sentCount == peerCount else { break }
                        for peer in peers {
                            #expect(try session.read(byteCount, by: peer) == .init(byteCount: byteCount))
                            peer.close()
                        }
                    case .receiveEnded(_, 0, true):
                        endedCount += 1
                    default:
                        Issue.record("\(event) has no reason")
                    }
                }
            }
            #expect(acceptedCount == peerCount)
            #expect(try session.moment() == [])
        }
    }
}
