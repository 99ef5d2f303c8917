import Testing

/// What it costs to be there.
@Suite("Idle connections", .ring, .program("python3"), .unsanitized)
struct IdleConnectionTests {
    @Test("10,000 of them take less than 1 KiB of the server's memory each", .descriptors(11_000))
    func memory() throws {
        let count = 10_000
        let server = try EchoServer("--reactors", "1")
        // Its buffers have been used before: those that wait for bytes are not a connection's.
        try server.runPeer("many", "500", "1")
        let residentBefore = try #require(server.process.residentByteCount)
        let peer = try server.peer("idle", String(count), "64")
        try peer.waitForLine("idle", within: 60)
        let residentAfter = try #require(server.process.residentByteCount)
        #expect(residentAfter - residentBefore < count << 10)
        peer.writeLine("close")
        try peer.waitForEnd(within: 60)
        #expect(try server.stop().connections.accepted == count + 500)
    }
}
