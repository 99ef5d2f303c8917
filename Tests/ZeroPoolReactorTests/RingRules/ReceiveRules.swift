import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: receiving", .ring)
struct ReceiveRules {
    @Test("a multishot receive brings message after message", arguments: WorldKind.allCases)
    func messages(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            for byteCount in [1, 1000, 300] {
                peer.send(byteCount)
                #expect(try session.next(1) == [.received(number, byteCount: byteCount)])
            }
        }
    }

    /// Where one buffer ends and the next begins is the kernel's affair; the session compares the bytes.
    @Test("a message larger than buffers comes in several, in order", arguments: WorldKind.allCases)
    func largeMessage(_ kind: WorldKind) throws {
        try kind.play(RingWorldOptions(bufferCount: 512)) { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            peer.send(10_000)
            let events = try session.until { $0.receivedByteCount(of: number) == 10_000 }
            #expect(events.receivedCount(of: number) == events.count)
            #expect(events.count >= 3)
        }
    }

    @Test("what came before the receive was armed is received", arguments: WorldKind.allCases)
    func early(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            peer.send(10)
            peer.send(20)
            #expect(try session.moment() == [])
            session.ring.armReceive(number, .multishot)
            #expect(try session.next(1) == [.received(number, byteCount: 30)])
        }
    }

    @Test("a receive of one buffer fills it once, and ends without a reason", arguments: WorldKind.allCases)
    func oneBuffer(_ kind: WorldKind) throws {
        try kind.play(RingWorldOptions(bufferCount: 512)) { session throws in
            let (number, peer) = try session.accepted()
            let end = ObservedEvent.receiveEnded(number, errno: 0, isEndOfStream: false)
            session.ring.armReceive(number, .oneBuffer)
            #expect(try session.moment() == [])
            peer.send(100)
            #expect(try session.next(2) == [.received(number, byteCount: 100), end])
            // The rest stays for the next.
            peer.send(5000)
            #expect(try session.moment() == [])
            session.ring.armReceive(number, .oneBuffer)
            #expect(try session.next(2) == [.received(number, byteCount: 4096), end])
            session.ring.armReceive(number, .oneBuffer)
            #expect(try session.next(2) == [.received(number, byteCount: 904), end])
        }
    }

    @Test(
        "the end of the stream comes once, after the bytes",
        arguments: WorldKind.allCases, [ReceiveExtent.multishot, .oneBuffer])
    func endOfStream(_ kind: WorldKind, extent: ReceiveExtent) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            peer.send(10)
            peer.shutdownWrite()
            session.ring.armReceive(number, extent)
            let events = try session.untilReceiveEnded(number)
            #expect(events.first == .received(number, byteCount: 10))
            if extent == .oneBuffer {
                session.ring.armReceive(number, extent)
                #expect(try session.next(1) == [.receiveEnded(number, errno: 0, isEndOfStream: true)])
            }
            #expect(try session.moment() == [])
        }
    }

    @Test("a receive that waits ends with the peer's half-close, and sending goes on", arguments: WorldKind.allCases)
    func halfClosed(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            #expect(try session.moment() == [])
            peer.shutdownWrite()
            #expect(try session.next(1) == [.receiveEnded(number, errno: 0, isEndOfStream: true)])
            try session.send(50, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 50, hasLease: true)])
            #expect(try session.read(50, by: peer) == .init(byteCount: 50))
        }
    }

    @Test("the bytes before a reset are received, then ECONNRESET", arguments: WorldKind.allCases)
    func peerReset(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            peer.send(10)
            peer.reset()
            #expect(
                try session.untilReceiveEnded(number) == [
                    .received(number, byteCount: 10),
                    .receiveEnded(number, errno: ECONNRESET, isEndOfStream: false),
                ])
        }
    }

    @Test("a peer that closes with bytes unread has reset", arguments: WorldKind.allCases)
    func closedUnread(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 10, hasLease: true)])
            #expect(try session.moment() == [])
            peer.close()
            #expect(try session.next(1) == [.receiveEnded(number, errno: ECONNRESET, isEndOfStream: false)])
        }
    }

    // MARK: Cancelling

    @Test("a cancelled receive ends once, with ECANCELED", arguments: WorldKind.allCases)
    func cancelled(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            #expect(try session.moment() == [])
            session.ring.cancelReceive(number)
            #expect(try session.next(1) == [.receiveEnded(number, errno: ECANCELED, isEndOfStream: false)])
            peer.send(10)
            #expect(try session.moment() == [])
            session.ring.armReceive(number, .multishot)
            #expect(try session.next(1) == [.received(number, byteCount: 10)])
        }
    }

    @Test("to cancel a receive that has ended does nothing", arguments: WorldKind.allCases)
    func cancelledLate(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .oneBuffer)
            peer.send(10)
            _ = try session.untilReceiveEnded(number)
            session.ring.cancelReceive(number)
            #expect(try session.moment() == [])
            session.ring.armReceive(number, .oneBuffer)
            peer.send(20)
            #expect(
                try session.next(2) == [
                    .received(number, byteCount: 20), .receiveEnded(number, errno: 0, isEndOfStream: false),
                ])
        }
    }

    /// How much comes before the end, nothing promises; and an end that came first is told instead of the cancellation.
    @Test(
        "of what a cancellation meets, all comes before the end or waits for the next receive",
        arguments: WorldKind.allCases, [ReceiveExtent.multishot, .oneBuffer])
    func cancelledWithBytes(_ kind: WorldKind, extent: ReceiveExtent) throws {
        try kind.play(RingWorldOptions(bufferCount: 512)) { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, extent)
            #expect(try session.moment() == [])
            peer.send(20_000)
            session.ring.cancelReceive(number)
            var events = try session.untilReceiveEnded(number)
            #expect(events.last?.isReceiveEnd(of: number) == true)
            #expect(try session.moment() == [])
            session.ring.armReceive(number, .multishot)
            events += try session.until {
                events.receivedByteCount(of: number) + $0.receivedByteCount(of: number) == 20_000
            }
            #expect(try session.moment() == [])
        }
    }

    /// A receive that is armed tries at once, and the kernel brings up to 33 buffers in one go before it looks for others.
    @Test(
        "a multishot receive that is cancelled brings no more than one go of 33 buffers", arguments: WorldKind.allCases)
    func overshoot(_ kind: WorldKind) throws {
        try kind.play(RingWorldOptions(bufferCount: 512, providedBufferCount: 128)) { session throws in
            let (number, peer) = try session.accepted()
            try provide(128, session, number, peer)
            session.ring.armReceive(number, .multishot)
            #expect(try session.moment() == [])
            for isArmedBefore in [true, false] {
                try session.send(50 * 4096, by: peer)
                if !isArmedBefore { session.ring.armReceive(number, .multishot) }
                session.ring.cancelReceive(number)
                let events = try session.untilReceiveEnded(number)
                #expect(events.receivedCount(of: number) <= 33)
                session.ring.armReceive(number, .multishot)
                _ = try session.until {
                    events.receivedByteCount(of: number) + $0.receivedByteCount(of: number) == 50 * 4096
                }
                session.releaseLeases()
                session.ring.refill()
                session.ring.cancelReceive(number)
                _ = try session.untilReceiveEnded(number)
            }
        }
    }

    /// The kernel's ring has as many buffers waiting as receives have shown to be needed.
    private func provide(
        _ count: Int, _ session: RingSession, _ number: ConnectionNumber, _ peer: any RingPeer
    ) throws {
        while session.ring.availableBufferCount < count {
            let byteCount = session.ring.availableBufferCount * 4096 + 1
            try session.send(byteCount, by: peer)
            session.ring.armReceive(number, .multishot)
            let events = try session.untilReceiveEnded(number)
            session.releaseLeases()
            session.ring.refill()
            session.ring.armReceive(number, .multishot)
            _ = try session.until {
                events.receivedByteCount(of: number) + $0.receivedByteCount(of: number) == byteCount
            }
            session.ring.cancelReceive(number)
            _ = try session.untilReceiveEnded(number)
            session.releaseLeases()
            session.ring.refill()
        }
    }
}
