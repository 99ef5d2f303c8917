import Glibc
import Testing

@testable import PooledEcho

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
