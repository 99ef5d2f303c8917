import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: sending without a copy", .ring, .registration)
struct ZeroCopyRules {
    private let byteCount = 16 * 1024
    /// More than a peer's kernel takes, less than there is room for.
    private let windowful = 256 * 1024

    /// The loopback device copies when the peer's kernel takes the bytes.
    @Test("a send's memory is released after the send, with the word that it was copied", arguments: WorldKind.allCases)
    func copied(_ kind: WorldKind) throws {
        try kind.play(RingWorldOptions(sendsWithoutCopy: true)) { session throws in
            let (number, peer) = try session.accepted()
            try session.send(byteCount, to: number, mayZeroCopy: true)
            // Its window may be too small for all of it.
            #expect(try session.read(byteCount, by: peer) == .init(byteCount: byteCount))
            #expect(
                try session.next(2) == [
                    .sent(number, byteCount: byteCount, hasLease: false), .released(number, wasCopied: true),
                ])
        }
    }

    @Test("a small send, and one that may not, are copied and bring their leases back", arguments: WorldKind.allCases)
    func plain(_ kind: WorldKind) throws {
        try kind.play(RingWorldOptions(sendsWithoutCopy: true)) { session throws in
            let (number, peer) = try session.accepted()
            try session.send(byteCount - 1, to: number, mayZeroCopy: true)
            #expect(try session.next(1) == [.sent(number, byteCount: byteCount - 1, hasLease: true)])
            #expect(try session.read(byteCount - 1, by: peer) == .init(byteCount: byteCount - 1))
            try session.send(byteCount, to: number, mayZeroCopy: false)
            #expect(try session.next(1) == [.sent(number, byteCount: byteCount, hasLease: true)])
            #expect(try session.moment() == [])
        }
    }

    /// Until then it is in use, so that a connection can end before. Whether it was copied depends on the way.
    @Test(
        "memory is released when the peer's kernel has it, without a number once the connection is closed",
        arguments: WorldKind.allCases, [Ending.open, .close, .reset])
    func releasedLate(_ kind: WorldKind, ending: Ending) throws {
        try kind.play(RingWorldOptions(sendsWithoutCopy: true, copiesAfterAll: false)) { session throws in
            let (number, peer) = try session.accepted()
            // The next waits behind it.
            try session.send(windowful, to: number)
            #expect(try session.next(1) == [.sent(number, byteCount: windowful, hasLease: true)])
            try session.send(byteCount, to: number, mayZeroCopy: true)
            #expect(try session.next(1) == [.sent(number, byteCount: byteCount, hasLease: false)])
            #expect(try session.moment() == [])
            switch ending {
            case .open: break
            case .close: session.ring.close(number)
            case .reset: session.ring.reset(number)
            }
            if ending != .reset {
                #expect(try session.moment() == [])
                #expect(try session.read(windowful + byteCount, by: peer) == .init(byteCount: windowful + byteCount))
            }
            guard case .released(let released, _)? = try session.next(1).first else {
                Issue.record("memory that nobody needs is released")
                return
            }
            #expect(released == (ending == .open ? number : nil))
            if ending != .open {
                // Its successor is not taken for it.
                #expect(try session.acceptedNumber() == number)
            }
        }
    }

    /// What becomes of the connection meanwhile.
    enum Ending { case open, close, reset }
}
