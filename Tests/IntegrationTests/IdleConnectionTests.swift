import Testing

/// What it costs to be there.
@Suite("Idle connections", .ring, .program("python3"), .unsanitized)
struct IdleConnectionTests {
    /// A parked task and its connection. Without optimisation its frames take a second piece of memory.
    #if DEBUG
        private static let byteCountLimit = 3072
    #else
        private static let byteCountLimit = 1536
    #endif

    @Test("10,000 of them take at most 1.5 KiB of the server's memory each, or 3 KiB unoptimised", .descriptors(11_000))
    func memory() throws {
        let count = 10_000
        let server = try EchoServer("--reactors", "1")
        // Its buffers have been used before: those that wait for bytes are not a connection's.
        try server.runPeer("many", "500", "1")
        let residentBefore = try #require(server.process.residentByteCount)
        let peer = try server.peer("idle", String(count), "64")
        try peer.waitForLine("idle", within: 60)
        let residentAfter = try #require(server.process.residentByteCount)
        #expect(residentAfter - residentBefore <= count * Self.byteCountLimit)
        peer.writeLine("close")
        try peer.waitForEnd(within: 60)
        #expect(try server.stop().connections.accepted == count + 500)
    }
}
