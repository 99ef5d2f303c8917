import Glibc
import Testing
import ZeroPoolURing

@testable import ZeroPoolReactor

@Suite("Rules of the ring: files", .ring)
struct FileRules {
    /// A session with the file `f` of 10,000 bytes.
    private func play(_ kind: WorldKind, _ scenario: (RingSession) throws -> Void) throws {
        try kind.play { session throws in
            session.world.put("f", .regular, byteCount: 10_000)
            try scenario(session)
        }
    }

    /// Opens `f`.
    private func open(_ session: RingSession) throws -> Int32 {
        let file = try session.open("f")
        #expect(file >= 0 && session.status?.kind == .regular && session.status?.byteCount == 10_000)
        return file
    }

    @Test("an open says what was opened, or why nothing was", arguments: WorldKind.allCases)
    func opens(_ kind: WorldKind) throws {
        try play(kind) { session in
            session.world.put("d", .directory, byteCount: 0)
            session.world.put("p", .other, byteCount: 0)
            #expect(try session.open("none") == -ENOENT)
            session.ring.closeFile(try open(session))
            for (path, fileKind) in [("d", FileStatus.Kind.directory), ("p", .other)] {
                let file = try session.open(path)
                #expect(file >= 0 && session.status?.kind == fileKind)
                session.ring.closeFile(file)
            }
            #expect(try session.moment() == [])
        }
    }

    @Test(
        "a read goes behind what the buffer has, is short at the end of the file, and empty past it",
        arguments: WorldKind.allCases)
    func reads(_ kind: WorldKind) throws {
        try play(kind) { session in
            let file = try open(session)
            let content = session.world.content(of: "f")
            for (offset, byteCount, expected) in [(0, 100, 100), (5000, 4000, 4000), (9990, 100, 10), (10_000, 100, 0)]
            {
                #expect(try session.read(byteCount, at: offset, of: file, keeping: 3) == expected)
                #expect(session.readBytes == [7, 7, 7] + content[offset..<offset + expected])
            }
            session.ring.closeFile(file)
        }
    }

    @Test("reads at once come back each with its own bytes", arguments: WorldKind.allCases)
    func readsAtOnce(_ kind: WorldKind) throws {
        try play(kind) { session in
            let file = try open(session)
            let content = session.world.content(of: "f")
            let tokens = try (0..<4).map { index in
                guard let buffer = session.ring.takeBuffer(1000) else {
                    throw RingSession.Failure(description: "there is no buffer")
                }
                return session.perform(.read(buffer, byteCount: 1000, file: file, offset: index * 1000))
            }
            var bytes: [OperationToken: [UInt8]] = [:]
            while bytes.count < 4 { for (token, read) in try session.nextReads() { bytes[token] = read } }
            for (index, token) in tokens.enumerated() {
                #expect(bytes[token] == Array(content[index * 1000..<(index + 1) * 1000]))
            }
            session.ring.closeFile(file)
        }
    }

    @Test("a file that is removed, or replaced, is read on as it was", arguments: WorldKind.allCases)
    func removed(_ kind: WorldKind) throws {
        try play(kind) { session in
            let file = try open(session)
            let content = session.world.content(of: "f")
            session.world.put("f", .regular, byteCount: 20)
            #expect(try session.read(10_000, at: 0, of: file) == 10_000)
            #expect(session.readBytes == content)
            session.ring.closeFile(file)
            session.world.remove("f")
            #expect(try session.open("f") == -ENOENT)
        }
    }

    @Test("a file that is written in place is read as it is now, and is another", arguments: WorldKind.allCases)
    func rewritten(_ kind: WorldKind) throws {
        try play(kind) { session in
            let file = try open(session)
            let before = session.status
            #expect(try session.isSame(file, as: before))
            session.world.rewrite("f", byteCount: 6000)
            #expect(try session.read(10_000, at: 0, of: file) == 6000)
            #expect(session.readBytes == session.world.content(of: "f"))
            #expect(try !session.isSame(file, as: before))
            session.ring.closeFile(file)
        }
    }
}
