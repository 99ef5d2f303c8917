import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: receiving once there is room to send", .ring)
struct OnceWritableRules {
    @Test(
        "a receive that is for who reads brings one buffer, where there is room to send", arguments: WorldKind.allCases)
    func writable(_ kind: WorldKind) throws {
        try kind.play { session in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .oneBufferOnceWritable)
            #expect(try session.moment() == [])
            peer.send(10)
            #expect(
                try session.next(2) == [
                    .received(number, byteCount: 10), .receiveEnded(number, errno: 0, isEndOfStream: false),
                ])
            peer.send(20)
            peer.shutdownWrite()
            #expect(try session.moment() == [])
            session.ring.armReceive(number, .oneBufferOnceWritable)
            #expect(try session.untilReceiveEnded(number).count == 2)
            session.ring.armReceive(number, .oneBufferOnceWritable)
            #expect(try session.next(1) == [.receiveEnded(number, errno: 0, isEndOfStream: true)])
        }
    }

    /// Takes all the room that there is to send, so that the connection is not writable.
    private func fill(_ session: RingSession, _ number: ConnectionNumber) throws {
        try session.send(1 << 20, to: number)
        #expect(try session.moment() == [])
        session.ring.cancelSend(number)
        _ = try session.next(1)
    }

    @Test(
        "without room to send it takes neither bytes nor buffers, until the peer reads", arguments: WorldKind.allCases)
    func unwritable(_ kind: WorldKind) throws {
        try kind.play { session in
            let (number, peer) = try session.accepted()
            try fill(session, number)
            peer.send(10)
            session.ring.armReceive(number, .oneBufferOnceWritable)
            #expect(try session.moment() == [])
            #expect(session.ring.availableBufferCount == 16)
            // How much it has to read before there is room again, nothing promises.
            let events = try session.until { events in
                _ = peer.read(.max)
                return !events.isEmpty
            }
            #expect(
                events == [.received(number, byteCount: 10), .receiveEnded(number, errno: 0, isEndOfStream: false)])
        }
    }

    @Test("while it waits for room it can be cancelled, once", arguments: WorldKind.allCases)
    func unwritableCancelled(_ kind: WorldKind) throws {
        try kind.play { session in
            let (number, peer) = try session.accepted()
            try fill(session, number)
            peer.send(10)
            session.ring.armReceive(number, .oneBufferOnceWritable)
            #expect(try session.moment() == [])
            session.ring.cancelReceive(number)
            #expect(try session.next(1) == [.receiveEnded(number, errno: ECANCELED, isEndOfStream: false)])
            #expect(try session.moment() == [])
            session.ring.armReceive(number, .multishot)
            #expect(try session.next(1) == [.received(number, byteCount: 10)])
        }
    }

    @Test("while it waits for room it hears of a reset", arguments: WorldKind.allCases)
    func unwritableReset(_ kind: WorldKind) throws {
        try kind.play { session in
            let (number, peer) = try session.accepted()
            try fill(session, number)
            session.ring.armReceive(number, .oneBufferOnceWritable)
            #expect(try session.moment() == [])
            peer.reset()
            #expect(try session.next(1) == [.receiveEnded(number, errno: ECONNRESET, isEndOfStream: false)])
        }
    }

    @Test("after the server's half-close there is always room", arguments: WorldKind.allCases)
    func halfClosed(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try fill(session, number)
            session.ring.armReceive(number, .oneBufferOnceWritable)
            #expect(try session.moment() == [])
            peer.send(10)
            session.ring.shutdownWrite(number)
            let events = try session.next(3).filter { $0 != .halfClosed(number) }
            #expect(
                events == [
                    .received(number, byteCount: 10), .receiveEnded(number, errno: 0, isEndOfStream: false),
                ])
        }
    }
}
