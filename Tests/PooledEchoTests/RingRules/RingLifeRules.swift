import Glibc
import Testing

@testable import PooledEcho

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

    @Test("the stop signal wakes as often as it was raised", arguments: WorldKind.allCases)
    func stopSignal(_ kind: WorldKind) throws {
        try kind.play { session throws in
            session.world.raiseStopSignal()
            #expect(try session.next(1) == [.woken])
            session.world.raiseStopSignal()
            session.world.raiseStopSignal()
            #expect(try session.until { $0.count == 2 } == [.woken, .woken])
            #expect(try session.moment() == [])
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
