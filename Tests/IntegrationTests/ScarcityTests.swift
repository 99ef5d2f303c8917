import Glibc
import Testing

/// More who want buffers than there are buffers.
@Suite("Scarcity", .ring, .program("python3"))
struct ScarcityTests {
    /// A server with eight buffers of 256 KiB, which is soon short of them.
    private static let eightBuffers = [
        "--reactors", "1", "--buffer-size", "262144", "--pool-size", "2097152",
    ]

    @Test("Eight buffers serve 1,000 connections that read, beside 100 that don't", .descriptors(3000))
    func eightBuffers() throws {
        let server = try EchoServer(Self.eightBuffers + ["--stall-timeout", "0.25"])
        // Who is cut comes again, and is in the way again.
        let deaf = try server.peer("deaf", "100", "return")
        try deaf.waitForLine("sending")
        let seed = UInt32.random(in: 0 ... .max)
        print("eight buffers: seed \(seed)")
        let readers = try server.runPeer("many", "1000", String(seed), within: 60)
        #expect(try readers.count("verified") == 1000)
        deaf.writeLine()
        let cutCount = try PeerReport(ofEnded: deaf).count("cut")
        server.process.send(SIGTERM)
        _ = try server.process.waitForEnd()
        let statistics = try server.statistics()
        #expect(statistics.pool.mappedByteCount == 2 << 20)
        #expect(statistics.starvedReceives > 0 && statistics.scarcities > 0)
        // Whether any of them must be cut, is the server's to say; but nobody else cuts.
        #expect(statistics.connections.stalled >= cutCount)
    }

    @Test("Eight buffers serve a load of 200 connections for a while, and each of them", .descriptors(3000))
    func loadWithEightBuffers() throws {
        let server = try EchoServer(Self.eightBuffers)
        try VerifyingLoad(server, connections: 200, size: "10000", seconds: 1).finish()
        let statistics = try server.stop()
        #expect(statistics.pool.mappedByteCount == 2 << 20)
        #expect(statistics.bytes.sent == statistics.bytes.received)
        // Who reads is nobody's debtor, however short buffers are.
        #expect(statistics.connections.stalled == 0 && statistics.connections.failed == 0)
    }

    @Test("Who reads slowly costs others nothing, and gets what is its or an error, when buffers are scarce")
    func slowReaders() throws {
        let server = try EchoServer(Self.eightBuffers)
        let slow = try server.peer("slow", "10", "100000")
        try slow.waitForLine("reading")
        try VerifyingLoad(server, connections: 200, size: "4K", seconds: 2).finish()
        slow.writeLine()
        let report = try PeerReport(ofEnded: slow)
        #expect(try report.count("received") > 0)
        let statistics = try server.stop()
        // Who holds a buffer for long while others wait may be cut.
        #expect(try statistics.scarcities > 0 && statistics.connections.stalled == report.count("cut"))
    }

    @Test("100 peers that never read cost those who do little of their speed, and the server bounded memory")
    func deafPeers() throws {
        let deafCount = 100
        let poolByteCount = 1 << 30
        let server = try EchoServer("--pool-size", String(poolByteCount))
        let deaf = try server.peer("deaf", String(deafCount), "stay")
        try deaf.waitForLine("stalled")
        let other = try EchoServer()
        var ratios: [Double] = []
        for _ in 0..<3 {
            let alone = try VerifyingLoad(other, connections: 40, seconds: 0.5, warmup: 0.2).finish()
            let beside = try VerifyingLoad(server, connections: 40, seconds: 0.5, warmup: 0.2).finish()
            ratios.append(beside.requestsPerSecond / alone.requestsPerSecond)
        }
        // Other tests run meanwhile; how much exactly is for Benchmarks/reliability to say.
        #expect(try #require(ratios.max()) > 0.5, "\(ratios)")
        if !Program.isSanitized {
            let residentByteCount = try #require(server.process.residentByteCount)
            // Beside its pool, a server is small.
            #expect(residentByteCount < poolByteCount + 96 << 20)
        }
        deaf.writeLine()
        let cutCount = try PeerReport(ofEnded: deaf).count("cut")
        let statistics = try server.stop()
        // None while there are buffers for all; they share a gibibyte.
        #expect(cutCount == statistics.connections.stalled)
        #expect(
            statistics.connections.cut + statistics.connections.stalled + statistics.connections.failed == deafCount)
    }
}
