import Glibc
import Testing

/// How the server ends.
@Suite("Stopping", .ring, .program("python3"))
struct StopTests {
    private static let clock = ContinuousClock()

    @Test("Without connections it ends at once", arguments: [SIGTERM, SIGINT], EchoTests.modes)
    func unused(signal: Int32, mode: String) throws {
        let server = try EchoServer("--drain-timeout", "60", "--buffers", mode)
        let statistics = try server.stop(by: signal, within: 5)
        #expect(statistics.connections.accepted == 0 && statistics.bytes.received == 0)
    }

    @Test("Idle peers that close in answer to the half-close let it end at once", arguments: [SIGTERM, SIGINT])
    func idlePeers(signal: Int32) throws {
        let server = try EchoServer("--drain-timeout", "60")
        let peer = try server.peer("idle", "10", "1000")
        try peer.waitForLine("idle")
        peer.writeLine("wait")
        server.process.send(signal)
        try peer.waitForLine("half-closed", within: 5)
        peer.writeLine()
        #expect(try peer.waitForEnd() == .exited(0))
        #expect(try server.process.waitForEnd(within: 5) == .exited(0))
        #expect(try server.statistics().connections.cut == 0)
    }

    @Test("Idle peers that stay hold it for the drain time, and cost no exit status")
    func stayingPeers() throws {
        let server = try EchoServer("--drain-timeout", "0.5")
        let peer = try server.peer("idle", "10", "1000")
        try peer.waitForLine("idle")
        let start = Self.clock.now
        // All that they sent has gone back to them.
        let statistics = try server.stop(within: 5)
        #expect(Self.clock.now - start >= .seconds(0.5))
        #expect(statistics.connections.cut == 0)
    }

    @Test("What was received is echoed to a peer that reads late", arguments: EchoTests.modes)
    func owed(mode: String) throws {
        let server = try EchoServer("--drain-timeout", "30", "--buffers", mode)
        let peer = try server.peer("sleeper", "4")
        try peer.waitForLine("sent ")
        server.process.send(SIGTERM)
        usleep(300_000)
        peer.writeLine("read")
        let received = try Int(peer.waitForLine("received "))
        #expect(try peer.waitForEnd() == .exited(0))
        #expect(try server.process.waitForEnd() == .exited(0))
        let statistics = try server.statistics()
        #expect(statistics.connections.cut == 0)
        // It took more than it could give back at first, and gave it all back.
        #expect(received == statistics.bytes.received && statistics.bytes.sent == statistics.bytes.received)
        #expect(statistics.bytes.received > 4 << 20)
    }

    @Test("A peer that never reads is cut after the drain time", arguments: EchoTests.modes)
    func cut(mode: String) throws {
        let server = try EchoServer("--drain-timeout", "0.5", "--buffers", mode)
        let peer = try server.peer("sleeper", "2")
        try peer.waitForLine("sent ")
        let start = Self.clock.now
        let statistics = try server.stop(expecting: .exited(3), within: 5)
        #expect(Self.clock.now - start >= .seconds(0.5))
        #expect(statistics.connections.cut == 2)
        #expect(statistics.bytes.sent < statistics.bytes.received)
    }

    @Test("A second signal cuts at once", arguments: [SIGTERM, SIGINT])
    func secondSignal(signal: Int32) throws {
        let server = try EchoServer("--drain-timeout", "60")
        let peer = try server.peer("sleeper", "2")
        try peer.waitForLine("sent ")
        server.process.send(signal)
        usleep(300_000)
        let statistics = try server.stop(by: SIGTERM, expecting: .exited(3), within: 5)
        #expect(statistics.connections.cut == 2)
    }

    @Test("While it drains, who comes new is refused at once", arguments: ["1", "2"])
    func noNewConnections(reactors: String) throws {
        let server = try EchoServer("--drain-timeout", "30", "--reactors", reactors)
        let peer = try server.peer("sleeper", "1")
        try peer.waitForLine("sent ")
        server.process.send(SIGTERM)
        usleep(300_000)
        let late = try ChildProcess(
            "python3", ["-B", Program.peer("messages"), server.host, server.port, "1", "100"])
        #expect(try late.waitForEnd(within: 5) == .exited(1))
        #expect(late.standardError.contains("ConnectionRefusedError"), "\(late.standardError)")
        peer.writeLine("read")
        try peer.waitForEnd()
        #expect(try server.process.waitForEnd() == .exited(0))
        #expect(try server.statistics().connections.accepted == 1)
    }

    @Test("Stopped under full load, it loses nothing that it received")
    func underLoad() throws {
        let server = try EchoServer()
        let load = try ChildProcess(
            Program.loadgen,
            ["echo", server.endpoint, "--connections", "50", "--pipeline", "4", "--size", "16K", "--duration", "20"])
        usleep(1_000_000)
        let statistics = try server.stop()
        #expect(statistics.bytes.received > 0 && statistics.bytes.sent == statistics.bytes.received)
        #expect(statistics.connections.cut == 0)
        #expect(try load.waitForEnd() == .exited(1))
    }
}
