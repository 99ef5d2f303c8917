import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: ending connections", .ring)
struct EndRules {
    @Test(
        "after the half-close the peer reads the end of the stream, and receiving goes on",
        arguments: WorldKind.allCases)
    func halfClose(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            session.ring.armReceive(number, .multishot)
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 10, hasLease: true)])
            session.ring.shutdownWrite(number)
            #expect(try session.next(1) == [.halfClosed(number)])
            #expect(try session.read(by: peer) == .init(byteCount: 10, end: .endOfStream))
            peer.send(20)
            #expect(try session.next(1) == [.received(number, byteCount: 20)])
            peer.close()
            #expect(try session.next(1) == [.receiveEnded(number, errno: 0, isEndOfStream: true)])
        }
    }

    /// The kernel shuts down on a thread of its own, which looks into the file table when it comes to it.
    @Test(
        "who is closed once its half-close has ended leaves alone who comes in at its place",
        arguments: WorldKind.allCases)
    func halfCloseAndClose(_ kind: WorldKind) throws {
        try kind.play { session throws in
            var number = try session.acceptedNumber()
            for _ in 0..<300 {
                session.ring.shutdownWrite(number)
                #expect(try session.next(1) == [.halfClosed(number)])
                session.ring.close(number)
                try #require(try session.poll() == [])
                let (newcomer, peer) = try session.accepted()
                try #require(newcomer == number)
                try session.send(10, to: newcomer)
                try #require(try session.next(1) == [.sent(newcomer, byteCount: 10, hasLease: true)])
                try #require(try session.read(10, by: peer) == .init(byteCount: 10))
                number = newcomer
            }
        }
    }

    @Test("a half-close of a connection that is broken ends like others", arguments: WorldKind.allCases)
    func halfCloseAfterReset(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            peer.reset()
            session.ring.shutdownWrite(number)
            #expect(try session.next(1) == [.halfClosed(number)])
        }
    }

    @Test("a closed connection's peer gets what was sent, then the end of the stream", arguments: WorldKind.allCases)
    func close(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try session.send(40_000, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 40_000, hasLease: true)])
            session.ring.close(number)
            #expect(try session.moment() == [])
            #expect(try session.read(by: peer) == .init(byteCount: 40_000, end: .endOfStream))
        }
    }

    /// What was sent and has not reached the peer's kernel is lost: how much that is, nothing promises.
    @Test("to close with input unread is a reset", arguments: WorldKind.allCases)
    func closeUnread(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 10, hasLease: true)])
            peer.send(10)
            session.ring.close(number)
            #expect(try session.moment() == [])
            let reading = try session.read(by: peer)
            #expect(reading.end == .reset)
            #expect(reading.byteCount <= 10)
        }
    }

    @Test("a connection that is reset gives its peer an error, never an end of stream", arguments: WorldKind.allCases)
    func reset(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try session.send(40_000, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 40_000, hasLease: true)])
            session.ring.reset(number)
            #expect(try session.moment() == [])
            let reading = try session.read(by: peer)
            #expect(reading.end == .reset)
            #expect(reading.byteCount <= 40_000)
        }
    }

    /// As a draining reactor does that waits for its peers no longer.
    @Test("a peer that was told the end of the stream is not told of a reset afterwards", arguments: WorldKind.allCases)
    func resetAfterHalfClose(_ kind: WorldKind) throws {
        try kind.play { session throws in
            let (number, peer) = try session.accepted()
            try session.send(10, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: 10, hasLease: true)])
            session.ring.shutdownWrite(number)
            #expect(try session.next(1) == [.halfClosed(number)])
            session.ring.reset(number)
            #expect(try session.moment() == [])
            #expect(try session.read(by: peer) == .init(byteCount: 10, end: .endOfStream))
            #expect(peer.send(1) == nil)
        }
    }

    @Test("a connection whose peer has reset can be closed and reset like others", arguments: WorldKind.allCases)
    func closeAfterReset(_ kind: WorldKind) throws {
        try kind.play { session throws in
            for isReset in [false, true] {
                let (number, peer) = try session.accepted()
                peer.reset()
                if isReset { session.ring.reset(number) } else { session.ring.close(number) }
                #expect(try session.moment() == [])
                #expect(try session.acceptedNumber() == number)
                session.ring.close(number)
                #expect(try session.moment() == [])
            }
        }
    }
}
