import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: accepting", .ring)
struct AcceptRules {
    /// Which free number it is, nothing promises; the kernel takes the one that was freed last, if that is the last thing
    /// that happened to its table.
    @Test("connections get free numbers, and a closed one comes again", arguments: WorldKind.allCases)
    func numbers(_ kind: WorldKind) throws {
        try kind.play { session throws in
            var numbers: Set<ConnectionNumber> = []
            for _ in 0..<8 { numbers.insert(try session.accepted().number) }
            #expect(numbers == Set(0..<8))
            for number: ConnectionNumber in [5, 2] {
                session.ring.close(number)
                #expect(try session.moment() == [])
                #expect(try session.acceptedNumber() == number)
            }
        }
    }

    @Test("the number freed last comes next", arguments: WorldKind.allCases)
    func lastFreed(_ kind: WorldKind) throws {
        try kind.play { session throws in
            for _ in 0..<4 { _ = try session.accepted() }
            session.ring.close(1)
            #expect(try session.moment() == [])
            // So an event that comes late can meet a successor at once.
            #expect(try session.acceptedNumber() == 1)
            session.ring.reset(2)
            #expect(try session.moment() == [])
            #expect(try session.acceptedNumber() == 2)
        }
    }

    @Test("those who waited are accepted when accept is armed, in order", arguments: WorldKind.allCases)
    func backlog(_ kind: WorldKind) throws {
        try kind.play { session throws in
            for address: UInt8 in 1...3 { _ = try session.connect(from: address) }
            #expect(try session.moment() == [])
            session.armAccept()
            let events = try session.next(3)
            #expect(Set(events.map(String.init(describing:))) == ["accepted(0)", "accepted(1)", "accepted(2)"])
            for number: ConnectionNumber in 0...2 {
                session.ring.identify(number)
                #expect(try session.next(1) == [.identified(number, session.world.address(UInt8(number) + 1))])
            }
        }
    }

    @Test(
        "with the table full, accepting ends with ENFILE: who came is dropped, who comes later waits",
        arguments: WorldKind.allCases, [false, true])
    func fullTable(_ kind: WorldKind, hasSent: Bool) throws {
        try kind.play(RingWorldOptions(slotCount: 2)) { session throws in
            _ = try session.accepted()
            let (number, _) = try session.accepted()
            session.ring.cancelAccept()
            #expect(try session.next(1) == [.acceptEnded(errno: ECANCELED)])
            let dropped = try session.connect()
            if hasSent { dropped.send(10) }
            session.armAccept()
            #expect(try session.next(1) == [.acceptEnded(errno: ENFILE)])
            // What it sent is never read: that makes a reset of the end of the stream.
            #expect(try session.read(by: dropped) == .init(end: hasSent ? .reset : .endOfStream))
            let waiting = try session.connect()
            #expect(try session.moment() == [])
            #expect(waiting.read(1) == .nothing)
            session.ring.close(number)
            session.armAccept()
            #expect(try session.next(1) == [.accepted(number)])
        }
    }

    @Test("a cancelled accept ends once, with ECANCELED; who comes then waits", arguments: WorldKind.allCases)
    func cancelled(_ kind: WorldKind) throws {
        try kind.play { session throws in
            _ = try session.accepted()
            session.ring.cancelAccept()
            #expect(try session.next(1) == [.acceptEnded(errno: ECANCELED)])
            _ = try session.connect()
            #expect(try session.moment() == [])
            session.ring.cancelAccept()
            #expect(try session.moment() == [])
            session.armAccept()
            #expect(try session.next(1) == [.accepted(1)])
        }
    }

    /// Who is first, the newcomer or the cancellation, nothing promises.
    @Test("a newcomer that meets a cancellation is accepted before it, or waits", arguments: WorldKind.allCases)
    func race(_ kind: WorldKind) throws {
        try kind.play { session throws in
            session.armAccept()
            #expect(try session.moment() == [])
            _ = try session.connect()
            session.ring.cancelAccept()
            var events = try session.until { $0.contains(.acceptEnded(errno: ECANCELED)) }
            #expect(events.last == .acceptEnded(errno: ECANCELED))
            session.armAccept()
            events += try session.moment()
            #expect(events.filter { $0 == .accepted(0) }.count == 1)
            #expect(events.count == 2)
        }
    }

    @Test("a listener that closes resets who waits, and refuses who comes later", arguments: WorldKind.allCases)
    func closedListener(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.cancelAccept()
            #expect(try session.next(1) == [.acceptEnded(errno: ECANCELED)])
            let waiting = try session.connect()
            session.ring.closeListener()
            #expect(try session.moment() == [])
            #expect(try session.read(by: waiting) == .init(end: .reset))
            let late = try session.connect()
            #expect(late.read(1) == .reset)
            // Who was accepted goes on.
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 10, hasLease: true)])
            #expect(try session.read(10, by: peer) == .init(byteCount: 10))
        }
    }

    @Test("a peer that has reset before it is accepted is accepted all the same", arguments: WorldKind.allCases)
    func goneNewcomer(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let peer = try session.connect()
            peer.send(10)
            peer.reset()
            session.armAccept()
            #expect(try session.next(1) == [.accepted(0)])
            session.ring.identify(0)
            #expect(try session.next(1) == [.identified(0, nil)])
            session.ring.armReceive(0, .multishot)
            #expect(
                try session.untilReceiveEnded(0) == [
                    .received(0, byteCount: 10), .receiveEnded(0, errno: ECONNRESET, isEndOfStream: false),
                ])
        }
    }

    @Test("a peer is known by its address, also after its half-close", arguments: WorldKind.allCases)
    func identified(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (first, _) = try session.accepted(from: 7)
            let (second, ended) = try session.accepted(from: 9)
            ended.close()
            for (number, address) in [(first, UInt8(7)), (second, 9)] {
                session.ring.identify(number)
                #expect(try session.next(1) == [.identified(number, session.world.address(address))])
            }
        }
    }
}
