import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: buffers", .ring)
struct BufferRules {
    private let two = RingWorldOptions(bufferCount: 2, providedBufferCount: 2)

    /// Takes both buffers.
    private func starve(_ session: RingSession, _ number: ConnectionNumber, _ peer: any RingPeer) throws {
        for _ in 0..<2 {
            peer.send(10)
            session.ring.armReceive(number, .oneBuffer)
            _ = try session.untilReceiveEnded(number)
        }
    }

    @Test(
        "a receive that finds no buffer ends with ENOBUFS at once, bytes or not, and no refill revives it",
        arguments: WorldKind.allCases, [ReceiveExtent.multishot, .oneBuffer])
    func noBuffer(_ kind: WorldKind, extent: ReceiveExtent) throws {
        try kind.play(two) { session throws in
            let (number, peer) = try session.accepted()
            let end = ObservedEvent.receiveEnded(number, errno: ENOBUFS, isEndOfStream: false)
            try starve(session, number, peer)
            session.ring.armReceive(number, extent)
            #expect(try session.next(1) == [end])
            peer.send(10)
            session.ring.armReceive(number, extent)
            #expect(try session.next(1) == [end])
            session.releaseLeases()
            session.ring.refill()
            #expect(try session.moment() == [])
            session.ring.armReceive(number, extent)
            #expect(try session.nextOne() == .received(number, byteCount: 10))
        }
    }

    @Test(
        "a receive that waits for bytes holds no buffer, and ends with ENOBUFS when they come and none is left",
        arguments: WorldKind.allCases, [ReceiveExtent.multishot, .oneBuffer])
    func lateShortage(_ kind: WorldKind, extent: ReceiveExtent) throws {
        try kind.play(two) { session throws in
            let (waiting, late) = try session.accepted()
            let (number, peer) = try session.accepted()
            session.ring.armReceive(waiting, extent)
            #expect(try session.moment() == [])
            #expect(session.ring.availableBufferCount == 2)
            try starve(session, number, peer)
            #expect(try session.moment() == [])
            late.send(10)
            #expect(try session.next(1) == [.receiveEnded(waiting, errno: ENOBUFS, isEndOfStream: false)])
            session.releaseLeases()
            session.ring.refill()
            session.ring.armReceive(waiting, extent)
            #expect(try session.nextOne() == .received(waiting, byteCount: 10))
        }
    }

    /// Without a buffer the kernel does not look at the stream. So who waits for buffers does not hear of its peer's end.
    @Test("without a buffer not even the end of the stream is told", arguments: WorldKind.allCases, [false, true])
    func endWithoutBuffer(_ kind: WorldKind, isReset: Bool) throws {
        try kind.play(two) { session throws in
            let (number, peer) = try session.accepted()
            let (other, ending) = try session.accepted()
            try starve(session, number, peer)
            if isReset { ending.reset() } else { ending.close() }
            session.ring.armReceive(other, .multishot)
            #expect(try session.next(1) == [.receiveEnded(other, errno: ENOBUFS, isEndOfStream: false)])
            session.releaseLeases()
            session.ring.refill()
            session.ring.armReceive(other, .multishot)
            #expect(
                try session.next(1) == [
                    .receiveEnded(other, errno: isReset ? ECONNRESET : 0, isEndOfStream: !isReset)
                ])
            // An end takes no buffer.
            #expect(session.ring.availableBufferCount == 2)
        }
    }

    @Test(
        "a buffer is available until its event is handed over, and again after a refill", arguments: WorldKind.allCases)
    func available(_ kind: WorldKind) throws {
        try kind.play { session throws in
            #expect(session.ring.availableBufferCount == 16)
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            peer.send(10)
            _ = try session.next(1)
            #expect(session.ring.availableBufferCount == 15)
            session.ring.refill()
            #expect(session.ring.availableBufferCount == 16)
            #expect(session.leaseCount(of: number) == 1)
        }
    }
}
