import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: waiting, timers and the end", .ring)
struct RingLifeRules {
    /// It would wait for the session's own timer, and that is a failure.
    @Test("a wait that polls returns with nothing", arguments: WorldKind.allCases)
    func polls(_ kind: WorldKind) throws {
        try kind.play { session throws in
            #expect(try session.poll() == [])
            #expect(try session.poll() == [])
        }
    }

    @Test("a timer comes once, and timers in the order of their times", arguments: WorldKind.allCases)
    func timers(_ kind: WorldKind) throws {
        try kind.play { session throws in
            session.ring.setTimer(.scarcity, seconds: 0.05)
            session.ring.setTimer(.accept, seconds: 0.001)
            #expect(try session.next(2) == [.timer(.accept), .timer(.scarcity)])
            #expect(try session.moment() == [])
            session.ring.setTimer(.accept, seconds: 0)
            #expect(try session.next(1) == [.timer(.accept)])
        }
    }

    /// Whether the kernel tells each ring by itself, nothing promises: who hears the bell looks at all that was left.
    @Test("a bell that is rung wakes, and rung again wakes again", arguments: WorldKind.allCases)
    func bell(_ kind: WorldKind) throws {
        try kind.play { session throws in
            session.world.ringBell()
            #expect(try session.next(1) == [.woken])
            #expect(try session.moment() == [])
            session.world.ringBell()
            session.world.ringBell()
            let events = try session.next(1) + session.moment()
            #expect((1...2).contains(events.count) && events.allSatisfy { $0 == .woken })
        }
    }

    @Test("a sleep ends by itself, with ETIME, or when it is cancelled, once", arguments: WorldKind.allCases)
    func sleeps(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let short = session.perform(.sleep(.milliseconds(1)))
            #expect(try session.next(1) == [.completed(short, result: -ETIME)])
            let long = session.perform(.sleep(.seconds(1000)))
            #expect(try session.moment() == [])
            session.ring.cancel(long)
            #expect(try session.next(1) == [.completed(long, result: -ECANCELED)])
            #expect(try session.moment() == [])
        }
    }

    @Test("a sleep that is cancelled before it has started ends all the same", arguments: WorldKind.allCases)
    func cancelsAtOnce(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let token = session.perform(.sleep(.seconds(1000)))
            session.ring.cancel(token)
            #expect(try session.next(1) == [.completed(token, result: -ECANCELED)])
        }
    }

    /// A receive that waits, a send that is stuck, an accept, a timer; 15 buffers that wait for bytes, and two in use.
    private func occupy(_ session: RingSession) throws {
        let (receiving, sender) = try session.accepted()
        let (sending, _) = try session.accepted()
        session.ring.armReceive(receiving, .multishot)
        session.ring.setTimer(.accept, seconds: 30)
        sender.send(10)
        #expect(try session.next(1) == [.received(receiving, byteCount: 10)])
        try session.send(1 << 20, to: sending)
        #expect(try session.moment() == [])
        #expect(session.leasedBufferCount == 17)
        session.releaseLeases()
    }

    @Test("a ring that is closed with all kinds of operations under way holds no lease", arguments: WorldKind.allCases)
    func closed(_ kind: WorldKind) throws {
        try kind.play { session throws in
            try occupy(session)
            session.close()
            #expect(session.leasedBufferCount == 0)
        }
    }

    @Test("a ring that is abandoned keeps what the kernel may still touch", arguments: WorldKind.allCases)
    func abandoned(_ kind: WorldKind) throws {
        try kind.play { session throws in
            try occupy(session)
            session.abandon()
            #expect(session.leasedBufferCount == 16)
        }
    }
}
