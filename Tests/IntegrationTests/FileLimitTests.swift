import FoundationEssentials
import Glibc
import Testing

/// What a file server does with clients that are slow, rude or mistaken, and with files that change.
@Suite("Files and their limits", .ring, .program("python3"))
struct FileLimitTests {
    private static let megabytes = FileServer.bytes(8 << 20)

    @Test("Requests in any pieces, and many at once, are answered in their order")
    func pieces() throws {
        let server = try FileServer(["a": FileServer.bytes(100), "b": FileServer.bytes(300_000, seed: 2)])
        try server.runPeer("http_pieces", server.path(of: "a"), server.path(of: "b"))
        #expect(try server.stop().connections.failed == 0)
    }

    @Test("Heads that are too large or too slow, and nonsense, are refused and their connections closed")
    func heads() throws {
        let server = try FileServer(["a": [1]], "--max-head-size", "2000", "--head-timeout", "0.4")
        try server.runPeer("http_heads")
        let files = try #require(try server.stop().files)
        #expect(files.oversizedHeads == 2 && files.slowHeads == 1)
    }

    @Test("Who reads nothing of a large file costs two blocks, and is cut in the end")
    func deafReader() throws {
        let server = try FileServer(["f": Self.megabytes], "--min-rate", "1000000000", "--reactors", "1")
        try server.runPeer("http_deaf", "/f", "20", within: 60)
        let statistics = try server.stop()
        #expect(statistics.files?.slowReaders == 20)
        // Blocks are of 256 KiB; each of the 20 had two at most.
        let blocks = try #require(statistics.pool.classes.first { $0.bufferByteCount == 256 << 10 })
        #expect(blocks.maxAwayCount ?? .max <= 40)
    }

    @Test(
        "A file that is cut short or written during its download ends in a reset, never in other bytes",
        arguments: ["truncate", "rewrite"])
    func changes(how: String) throws {
        let server = try FileServer(["f": FileServer.bytes(64 << 20)])
        try server.runPeer("http_change", "/f", server.path(of: "f"), how, within: 60)
        let statistics = try server.stop()
        #expect(statistics.files?.changedFiles == 1 && statistics.connections.failed == 1)
    }

    @Test(
        "A file that is replaced or deleted during its download comes whole, as it was",
        arguments: ["replace", "delete"])
    func replaced(how: String) throws {
        let server = try FileServer(["f": FileServer.bytes(64 << 20)])
        try server.runPeer("http_change", "/f", server.path(of: "f"), how, within: 60)
        #expect(try server.stop().files?.changedFiles == 0)
    }

    @Test("Stopped during a download it finishes that, and ends idle connections at once")
    func drain() throws {
        let server = try FileServer(["f": FileServer.bytes(64 << 20)], "--drain-timeout", "30")
        let peer = try server.peer("http_drain", "/f", server.path(of: "f"))
        try peer.waitForLine("begun")
        server.process.send(SIGTERM)
        #expect(try peer.waitForEnd(within: 20) == .exited(0), "\(peer.standardError)")
        #expect(try server.process.waitForEnd() == .exited(0))
    }
}
