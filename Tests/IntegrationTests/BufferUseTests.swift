import Testing

/// What the server does with its buffers, by its own statistics and by the system's.
@Suite("Use of buffers", .ring, .program("python3"))
struct BufferUseTests {
    @Test("A message of 64 KiB costs about one receive and one send", arguments: EchoTests.modes)
    func operationsPerMessage(mode: String) throws {
        let count = 400
        let server = try EchoServer("--buffers", mode, "--reactors", "1")
        try server.runPeer("messages", String(count), "65536")
        let statistics = try server.stop()
        let sends = statistics.operations.filter { $0.key.hasPrefix("send") || $0.key.hasPrefix("write") }
            .values.reduce(0, +)
        // Every buffer received is sent once, so this counts received buffers too. Some messages come in two parts, when
        // the server is faster than its peer's network stack.
        #expect(sends >= count && sends <= count + count / 2, "\(statistics.operations)")
        // One multishot receive brings them all.
        #expect(statistics.operations["recv", default: 0] < 10, "\(statistics.operations)")
        #expect(statistics.bytes.received == count << 16 && statistics.bytes.sent == count << 16)
    }

    @Test("The modes differ in where buffers come from, and in nothing else")
    func modes() throws {
        var gets: [String: Int] = [:]
        var registered: [String: Int] = [:]
        var operations: [String: Set<String>] = [:]
        for mode in EchoTests.modes {
            let server = try EchoServer("--buffers", mode, "--reactors", "1")
            try server.runPeer("messages", "50", "65536")
            let statistics = try server.stop()
            gets[mode] = statistics.pool.gets.total
            registered[mode] = statistics.registeredByteCount
            operations[mode] = Set(statistics.operations.keys)
        }
        #expect(gets["malloc"] == 0)
        #expect(try #require(gets["pooled"]) >= 50 && #require(gets["registered"]) >= 50)
        #expect(registered["malloc"] == 0 && registered["pooled"] == 0)
        #expect(operations["malloc"] == operations["pooled"])
    }

    @Test("Registered means registered", .root)
    func registration() throws {
        let server = try EchoServer("--buffers", "registered", "--reactors", "1")
        try server.runPeer("messages", "10", "65536")
        let statistics = try server.stop()
        #expect(statistics.registeredByteCount >= 2 << 20)
        #expect(statistics.registeredByteCount == statistics.pool.mappedByteCount)
        #expect(statistics.plainFallbacks == 0)
        #expect(server.process.standardError.contains("plain memory") == false)
    }

    @Test(
        "An idle connection holds no buffer", .unsanitized, .descriptors(2000), arguments: EchoTests.modes)
    func idleConnections(mode: String) throws {
        // One message each, large enough that a buffer kept by each of the 500 would be 31 MiB that were written to.
        let server = try EchoServer("--buffers", mode, "--reactors", "1")
        try server.runPeer("messages", "200", "65536")
        let residentBefore = try #require(server.process.residentByteCount)
        let peer = try server.peer("idle", "500", "65536")
        try peer.waitForLine("idle")
        let residentAfter = try #require(server.process.residentByteCount)
        #expect(residentAfter - residentBefore < 8 << 20)
        peer.writeLine("close")
        try peer.waitForEnd()
        let statistics = try server.stop()
        #expect(statistics.connections.accepted == 501)
        // 128 buffers of 64 KiB wait for bytes, whoever sends them; 500 more would be 31 MiB more.
        #expect(statistics.pool.mappedByteCount <= 16 << 20)
    }

    @Test("A connection that never sent takes nothing from the pool", .descriptors(2000))
    func silentConnections() throws {
        func gets(connections: String?) throws -> Int {
            let server = try EchoServer("--reactors", "1")
            if let connections {
                let peer = try server.peer("idle", connections, "0")
                try peer.waitForLine("idle")
                peer.writeLine("close")
                try peer.waitForEnd()
            }
            let statistics = try server.stop()
            #expect(connections == nil || statistics.connections.accepted == 500)
            return statistics.pool.gets.total
        }
        #expect(try gets(connections: "500") == gets(connections: nil))
    }

    @Test("Connections that found no buffer are all received from again, also beside silent ones", .descriptors(2000))
    func starvedBesideSilent() throws {
        let server = try EchoServer("--reactors", "1")
        try server.runPeer("starved", String(server.process.id))
        let statistics = try server.stop()
        #expect(statistics.bytes.sent == 640)
    }

    @Test("A peer that does not read is paused, stops nobody else, and loses nothing", arguments: EchoTests.modes)
    func sleepers(mode: String) throws {
        let sleeperCount = 8
        let server = try EchoServer("--buffers", mode, "--reactors", "1")
        let sleepers = try server.peer("sleeper", String(sleeperCount))
        let sent = try #require(Int(sleepers.waitForLine("sent ")))
        // Those who read are served as ever: more than 100 messages, each within a second.
        for _ in 0..<4 { try server.runPeer("messages", "50", "65536", within: 5) }
        if !Program.isSanitized {
            let resident = try #require(server.process.residentByteCount)
            #expect(resident < Self.boundByteCount(sleeperCount: sleeperCount) + 32 << 20)
        }
        sleepers.writeLine("finish")
        #expect(try Int(sleepers.waitForLine("received ", within: 40)) == sent)
        let statistics = try server.stop()
        #expect(statistics.pausedReceives >= sleeperCount)
        #expect(statistics.bytes.received == sent + 200 << 16 && statistics.bytes.sent == sent + 200 << 16)
        #expect(statistics.pool.mappedByteCount <= Self.boundByteCount(sleeperCount: sleeperCount))
    }

    /// What peers that send without end and never read may cost. Receiving pauses at a mebibyte owed; but a multishot
    /// receive brings up to 32 buffers before anybody can cancel it, and as many again until the cancellation. Meanwhile
    /// up to 256 buffers wait for bytes.
    private static func boundByteCount(sleeperCount: Int) -> Int { (16 + 16 + sleeperCount * (1 + 2 * 2)) << 20 }
}
