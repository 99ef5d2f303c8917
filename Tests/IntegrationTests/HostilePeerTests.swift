import Glibc
import Testing

/// Clients that mean harm, or die: beside each, a load whose every byte is verified.
@Suite("Hostile peers", .ring, .program("python3"))
struct HostilePeerTests {
    @Test(
        "Scans, silence, random bytes and single bytes hurt nobody else", .descriptors(2000),
        arguments: ["scan", "reset", "silent", "random", "single"])
    func kinds(kind: String) throws {
        let seed = UInt32.random(in: 0 ... .max)
        print("hostile peers, \(kind): seed \(seed)")
        let server = try EchoServer()
        let descriptorCount = try #require(server.process.descriptorCount)
        let load = try VerifyingLoad(server, connections: 16, seconds: 1)
        let report = try server.runPeer("hostile", kind, "1", String(seed))
        try load.finish()
        #expect(server.process.waitForDescriptorCount(descriptorCount))
        let statistics = try server.stop()
        #expect(try statistics.connections.accepted >= report.count("connected") + 16)
        #expect(statistics.connections.refused == 0 && statistics.connections.cut == 0)
    }

    @Test("nc that scans, and socat that is killed, leave nothing behind", .program("nc"), .program("socat"))
    func foreignPrograms() throws {
        let server = try EchoServer()
        let descriptorCount = try #require(server.process.descriptorCount)
        let scan = try ChildProcess(
            "sh", ["-c", "for number in $(seq 30); do nc -z \(server.host) \(server.port) || exit 1; done"])
        #expect(try scan.waitForEnd() == .exited(0))
        for _ in 0..<5 {
            let source = try ChildProcess(
                "socat", ["-u", "OPEN:/dev/zero", "TCP:\(server.host):\(server.port)"])
            usleep(50_000)
            source.send(SIGKILL)
            try source.waitForEnd()
        }
        try server.runPeer("messages", "10", "65536")
        #expect(server.process.waitForDescriptorCount(descriptorCount))
        #expect(try server.stop().connections.accepted >= 31)
    }

    @Test("Clients killed at random leave nothing behind, and the others unharmed", .unsanitized)
    func killedClients() throws {
        let seed = UInt32.random(in: 0 ... .max)
        print("killed clients: seed \(seed)")
        let loadCount = 10
        let killedCount = 40
        // As tight as the load: a place that is lost is missed.
        let server = try EchoServer(
            "--max-connections", String(loadCount + killedCount), "--reactors", "1")
        let descriptorCount = try #require(server.process.descriptorCount)
        // What the first round needs stays; what leaks grows with every further one.
        try server.runPeer("killed", "2", String(killedCount), String(seed))
        let residentBefore = try #require(server.process.residentByteCount)
        let load = try VerifyingLoad(server, connections: loadCount, seconds: 3)
        try server.waitForConnections(loadCount)
        try server.runPeer("killed", "2", String(killedCount), String(seed &+ 1))
        try load.finish()
        #expect(server.process.waitForDescriptorCount(descriptorCount))
        try server.runPeer("limit", String(loadCount + killedCount))
        let residentAfter = try #require(server.process.residentByteCount)
        // How many buffers were out at once differs from round to round.
        #expect(residentAfter < 2 * residentBefore + 32 << 20)
        let statistics = try server.stop()
        #expect(statistics.connections.cut == 0)
    }
}
