import Glibc
import Testing
import ZeroPool

@testable import ZeroPoolReactor

@Suite("Rules of the ring: rest", .ring)
struct RestRules {
    /// All buffers of the pool, in somebody else's use.
    private func takeAll(_ session: RingSession) throws -> [LeaseBox] {
        try (0..<32).map { number in
            guard let lease = session.world.pool.tryGet(65536) else {
                throw RingSession.Failure(description: "only \(number) buffers are with the pool")
            }
            let box = LeaseBox(lease)
            box.fill(1000 + number, from: 0, byteCount: 65536)
            return box
        }
    }

    private func areUntouched(_ boxes: [LeaseBox]) -> Bool {
        boxes.enumerated().allSatisfy { $0.element.holds(1000 + $0.offset, from: 0, range: 0..<65536) }
    }

    @Test(
        "at rest, buffers that waited for bytes are the pool's, and no armed receive sees one of them again",
        arguments: WorldKind.allCases, [ReceiveExtent.multishot, .oneBuffer])
    func withdrawal(_ kind: WorldKind, extent: ReceiveExtent) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, extent)
            #expect(try session.moment() == [])
            #expect(session.leasedBufferCount == 16)
            session.ring.beginRest()
            #expect(try session.moment() == [])
            #expect(session.ring.availableBufferCount == 0)
            #expect(session.leasedBufferCount == 0)
            let others = try takeAll(session)
            peer.send(10)
            #expect(try session.next(1) == [.receiveEnded(number, errno: ENOBUFS, isEndOfStream: false)])
            #expect(areUntouched(others))
        }
    }

    @Test("after a rest the next refill puts buffers in place of those that went", arguments: WorldKind.allCases)
    func refill(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            for _ in 0..<3 {
                session.ring.beginRest()
                #expect(try session.moment() == [])
                session.ring.refill()
                #expect(session.ring.availableBufferCount == 16 && session.leasedBufferCount == 16)
                #expect(!session.ring.isAboveRest)
                // The receive is the same as before.
                peer.send(10)
                #expect(try session.next(1) == [.received(number, byteCount: 10)])
                session.releaseLeases()
                session.ring.refill()
            }
        }
    }

    @Test("what comes while memory comes to rest is received as a whole and in order", arguments: WorldKind.allCases)
    func bytesMeanwhile(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            var receivedByteCount = 0
            var sentByteCount = 0
            var isArmed = false
            while sentByteCount < 4 << 20 || receivedByteCount < sentByteCount {
                if !isArmed { session.ring.armReceive(number, .multishot) }
                isArmed = true
                if sentByteCount < 4 << 20 { sentByteCount += peer.send(100_000) ?? 0 }
                session.ring.beginRest()
                if sentByteCount < 4 << 20 { sentByteCount += peer.send(100_000) ?? 0 }
                let events = try session.moment()
                receivedByteCount += events.receivedByteCount(of: number)
                if events.contains(where: { $0.isReceiveEnd(of: number) }) { isArmed = false }
                session.releaseLeases()
                session.ring.refill()
            }
            #expect(receivedByteCount == sentByteCount)
            #expect(session.ring.availableBufferCount == 16 && session.leasedBufferCount == 16)
        }
    }
}
