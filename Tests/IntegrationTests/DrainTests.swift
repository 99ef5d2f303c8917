import Glibc
import Testing

/// The end under load, and of those who were not served yet.
@Suite("Draining", .ring, .program("python3"))
struct DrainTests {
    @Test("Stopped under full load, every stream is echoed to its end or reset, never cut short in silence")
    func fullLoad() throws {
        let seed = UInt32.random(in: 0 ... .max)
        print("stopped under full load: seed \(seed)")
        for round: UInt32 in 0..<5 {
            let server = try EchoServer()
            let torrent = try server.peer("torrent", "20", String(seed &+ round))
            try torrent.waitForLine("flowing")
            let statistics = try server.stop()
            let report = try PeerReport(ofEnded: torrent)
            #expect(try report.count("ended") + report.count("reset") == 20)
            // All of them read: nothing may have been cut, and all that was taken has come back.
            #expect(statistics.connections.cut + statistics.connections.failed + statistics.connections.stalled == 0)
            #expect(statistics.bytes.sent == statistics.bytes.received)
            #expect(try report.count("reset") == 0)
            #expect(try report.count("received") == statistics.bytes.sent)
        }
    }

    @Test("Stopped under full load with no time to drain, what is cut is reset")
    func noTime() throws {
        let seed = UInt32.random(in: 0 ... .max)
        print("stopped with no time to drain: seed \(seed)")
        let server = try EchoServer("--drain-timeout", "0")
        let torrent = try server.peer("torrent", "20", String(seed))
        try torrent.waitForLine("flowing")
        server.process.send(SIGTERM)
        let ending = try server.process.waitForEnd(within: 10)
        let statistics = try server.statistics()
        #expect(ending == .exited(statistics.connections.cut == 0 ? 0 : 3), "\(server.process.standardError)")
        let report = try PeerReport(ofEnded: torrent)
        #expect(try report.count("ended") + report.count("reset") == 20)
        #expect(try report.count("reset") >= statistics.connections.cut)
    }

    @Test("Who waits in the listener's queue is served, ended or refused, and not left hanging", arguments: ["1", "2"])
    func queue(reactors: String) throws {
        // Nobody is left to the end of the drain time.
        let server = try EchoServer("--reactors", reactors, "--drain-timeout", "60")
        let report = try server.runPeer("queued", "200", String(server.process.id))
        #expect(try server.process.waitForEnd(within: 10) == .exited(0))
        let statistics = try server.statistics()
        #expect(try report.count("echoed") + report.count("ended") == statistics.connections.accepted)
        #expect(statistics.connections.cut == 0)
    }

    @Test("Who has sent all, and is cut before it has all back, sees an error, never an end of stream")
    func lostBytes() throws {
        // More than the kernel takes for a peer that does not read, and so little that the server has room for all of it:
        // were some left unread, that alone would reset the connection.
        let size = 8 << 20
        let server = try EchoServer(
            "--reactors", "1", "--buffer-size", "4194304", "--max-unread", "67108864", "--pool-size", "268435456",
            "--drain-timeout", "0")
        let peer = try server.peer("unread", String(size))
        try peer.waitForLine("sent")
        // What the peer has sent may still be on its way.
        usleep(500_000)
        let statistics = try server.stop(expecting: .exited(3))
        #expect(statistics.connections.cut == 1)
        peer.writeLine()
        #expect(try PeerReport(ofEnded: peer).count("reset") < size)
    }

    @Test("A second signal under full load cuts who does not read, at once")
    func secondSignal() throws {
        let server = try EchoServer("--drain-timeout", "60")
        let deaf = try server.peer("deaf", "20", "stay")
        try deaf.waitForLine("stalled")
        server.process.send(SIGTERM)
        usleep(200_000)
        let statistics = try server.stop(by: SIGTERM, expecting: .exited(3), within: 5)
        #expect(statistics.connections.cut == 20)
        deaf.writeLine()
        #expect(try PeerReport(ofEnded: deaf).count("cut") == 20)
    }
}
