import Glibc
import Testing
import ZeroPoolURing

@testable import PooledEcho

@Suite("Rules of the ring: files", .ring)
struct FileRules {
    /// A session with one connection, and the file `f` of 10,000 bytes.
    private func play(
        _ kind: WorldKind, _ scenario: (RingSession, ConnectionNumber) throws -> Void
    ) throws {
        try kind.play { session throws in
            session.world.put("f", .regular, byteCount: 10_000)
            try scenario(session, session.acceptedNumber())
        }
    }

    /// Opens `f`.
    private func open(_ session: RingSession, _ number: ConnectionNumber) throws {
        session.open("f", for: number)
        #expect(try session.next(1) == [.opened(number, .regular, byteCount: 10_000)])
    }

    @Test("an open says what was opened, or why nothing was", arguments: WorldKind.allCases)
    func opens(_ kind: WorldKind) throws {
        try play(kind) { session, number in
            session.world.put("d", .directory, byteCount: 0)
            session.world.put("p", .other, byteCount: 0)
            session.open("none", for: number)
            #expect(try session.next(1) == [.openFailed(number, errno: ENOENT)])
            try open(session, number)
            session.closeFile()
            for (path, fileKind) in [("d", FileStatus.Kind.directory), ("p", .other)] {
                session.open(path, for: number)
                guard case .opened(number, fileKind, _)? = try session.nextOne() else {
                    Issue.record("\(path) is not opened")
                    return
                }
                session.closeFile()
            }
            #expect(try session.moment() == [])
        }
    }

    @Test(
        "a read goes behind what the block has, is short at the end of the file, and empty past it",
        arguments: WorldKind.allCases)
    func reads(_ kind: WorldKind) throws {
        try play(kind) { session, number in
            try open(session, number)
            let content = session.world.content(of: "f")
            for (offset, byteCount, expected) in [(0, 100, 100), (5000, 4000, 4000), (9990, 100, 10), (10_000, 100, 0)]
            {
                try session.read(byteCount, at: offset, keeping: 3, for: number)
                #expect(try session.next(1) == [.read(number, byteCount: expected, errno: 0)])
                #expect(session.readBytes == [7, 7, 7] + content[offset..<offset + expected])
            }
            session.closeFile()
        }
    }

    @Test("a file that is removed, or replaced, is read on as it was", arguments: WorldKind.allCases)
    func removed(_ kind: WorldKind) throws {
        try play(kind) { session, number in
            try open(session, number)
            let content = session.world.content(of: "f")
            session.world.put("f", .regular, byteCount: 20)
            try session.read(10_000, at: 0, for: number)
            #expect(try session.next(1) == [.read(number, byteCount: 10_000, errno: 0)])
            #expect(session.readBytes == content)
            session.closeFile()
            session.world.remove("f")
            session.open("f", for: number)
            #expect(try session.next(1) == [.openFailed(number, errno: ENOENT)])
        }
    }

    @Test("a file that is written in place is read as it is now, and is another", arguments: WorldKind.allCases)
    func rewritten(_ kind: WorldKind) throws {
        try play(kind) { session, number in
            try open(session, number)
            session.check(for: number)
            #expect(try session.next(1) == [.checked(number, isSame: true)])
            session.world.rewrite("f", byteCount: 6000)
            try session.read(10_000, at: 0, for: number)
            #expect(try session.next(1) == [.read(number, byteCount: 6000, errno: 0)])
            #expect(session.readBytes == session.world.content(of: "f"))
            session.check(for: number)
            #expect(try session.next(1) == [.checked(number, isSame: false)])
            session.closeFile()
        }
    }
}
