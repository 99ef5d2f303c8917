import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: sending", .ring)
struct SendRules {
    /// More than both worlds hold between a server and a peer that does not read.
    private let tooMuch = 1 << 20

    /// Lets a send get stuck.
    private func stick(_ session: RingSession, _ number: ConnectionNumber) throws {
        try session.send(tooMuch, to: number)
        #expect(try session.moment() == [])
    }

    @Test("an operation starts with the next wait, and a send brings its lease back", arguments: WorldKind.allCases)
    func whole(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try session.send(100, to: number)
            #expect(peer.read(1) == .nothing)
            #expect(try session.next(1) == [.sent(number, byteCount: 100, hasLease: true)])
            #expect(try session.read(100, by: peer) == .init(byteCount: 100))
        }
    }

    @Test("a send from an offset sends what is behind it", arguments: WorldKind.allCases, [1, 5000])
    func offset(_ kind: WorldKind, skipped: Int) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try session.send(100, to: number, skipping: skipped)
            #expect(try session.next(1) == [.sent(number, byteCount: 100, hasLease: true)])
            #expect(try session.read(100, by: peer) == .init(byteCount: 100))
        }
    }

    @Test(
        "a send that is larger than there is room goes on as the peer reads, and is whole",
        arguments: WorldKind.allCases)
    func waitsForAll(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try stick(session, number)
            #expect(try session.read(tooMuch, by: peer) == .init(byteCount: tooMuch))
            #expect(try session.next(1) == [.sent(number, byteCount: tooMuch, hasLease: true)])
        }
    }

    @Test("a cancelled send that is stuck is short, and the peer gets just what it says", arguments: WorldKind.allCases)
    func cancelled(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try stick(session, number)
            session.ring.cancelSend(number)
            guard case .sent(number, let byteCount, true)? = try session.next(1).first else {
                Issue.record("a send of which bytes went out is short")
                return
            }
            #expect((1..<tooMuch).contains(byteCount))
            // Nothing of it is left: another can follow, in order.
            let reading = try session.read(byteCount, by: peer)
            #expect(reading == .init(byteCount: byteCount))
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 10, hasLease: true)])
            #expect(try session.read(10, by: peer) == .init(byteCount: 10))
            #expect(peer.read(1) == .nothing)
        }
    }

    /// When there is none, nothing promises: the kernel finds a little more for a while.
    @Test("a send that finds no room at all, and is cancelled, fails with ECANCELED", arguments: WorldKind.allCases)
    func cancelledAtOnce(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, _) = try session.accepted()
            var event: ObservedEvent?
            for _ in 0..<100 {
                try stick(session, number)
                session.ring.cancelSend(number)
                event = try session.nextOne()
                guard case .sent(number, _, true)? = event else { break }
            }
            #expect(event == .sendFailed(number, errno: ECANCELED, hasLease: true))
        }
    }

    @Test("to cancel a send that is done does nothing", arguments: WorldKind.allCases)
    func cancelledLate(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 10, hasLease: true)])
            session.ring.cancelSend(number)
            #expect(try session.moment() == [])
            #expect(try session.read(10, by: peer) == .init(byteCount: 10))
        }
    }

    @Test("to cancel a send leaves the connection's receive as it is", arguments: WorldKind.allCases)
    func cancelsNoReceive(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            try stick(session, number)
            session.ring.cancelSend(number)
            switch try session.nextOne() {
            case .sent(number, _, true), .sendFailed(number, ECANCELED, true): break
            case let event: Issue.record("not the send's end: \(event)")
            }
            #expect(try session.moment() == [])
            peer.send(10)
            #expect(try session.next(1) == [.received(number, byteCount: 10)])
        }
    }

    @Test("receiving goes on while a send is stuck", arguments: WorldKind.allCases)
    func receivesWhileStuck(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            try stick(session, number)
            peer.send(10)
            #expect(try session.next(1) == [.received(number, byteCount: 10)])
            peer.shutdownWrite()
            #expect(try session.next(1) == [.receiveEnded(number, errno: 0, isEndOfStream: true)])
            #expect(try session.moment() == [])
        }
    }

    // MARK: Peers that are gone

    @Test("after a reset that a receive was told of, a send fails with EPIPE", arguments: WorldKind.allCases)
    func afterToldReset(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            #expect(try session.moment() == [])
            peer.reset()
            #expect(try session.next(1) == [.receiveEnded(number, errno: ECONNRESET, isEndOfStream: false)])
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sendFailed(number, errno: EPIPE, hasLease: true)])
        }
    }

    /// The kernel tells an error once, to who asks first.
    @Test("a reset that a send was told of is the end of the stream for a receive", arguments: WorldKind.allCases)
    func resetToldToSend(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            peer.reset()
            #expect(try session.moment() == [])
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sendFailed(number, errno: ECONNRESET, hasLease: true)])
            session.ring.armReceive(number, .multishot)
            #expect(try session.next(1) == [.receiveEnded(number, errno: 0, isEndOfStream: true)])
        }
    }

    /// Whose wake-up comes first is told the error, the other finds an end; and a send of which something went is short.
    @Test("a reset ends a stuck send, and the receive beside it", arguments: WorldKind.allCases)
    func resetWhileStuck(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            try stick(session, number)
            peer.reset()
            let events = try session.next(2)
            #expect(events.count == 2)
            #expect(
                events.contains(.receiveEnded(number, errno: ECONNRESET, isEndOfStream: false))
                    || events.contains(.receiveEnded(number, errno: 0, isEndOfStream: true)))
            let isShort = events.contains {
                if case .sent(number, let byteCount, true) = $0 { byteCount < tooMuch } else { false }
            }
            #expect(isShort)
            try session.send(10, to: number)
            guard case .sendFailed(number, let errno, true)? = try session.next(1).first else {
                Issue.record("a send on a broken connection fails")
                return
            }
            #expect([EPIPE, ECONNRESET].contains(errno))
        }
    }

    @Test("bytes for a peer that has closed go out once; then sends fail with EPIPE", arguments: WorldKind.allCases)
    func afterClose(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            peer.close()
            #expect(try session.next(1) == [.receiveEnded(number, errno: 0, isEndOfStream: true)])
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 10, hasLease: true)])
            #expect(try session.moment() == [])
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sendFailed(number, errno: EPIPE, hasLease: true)])
        }
    }
}
