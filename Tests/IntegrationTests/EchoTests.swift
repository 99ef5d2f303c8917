import FoundationEssentials
import Testing

/// The main job, with peers that this project did not write.
@Suite("Echo", .ring)
struct EchoTests {
    static let modes = ["registered", "pooled", "malloc"]

    /// A shell command's output; `$HOST` and `$PORT` are the server's.
    private func run(_ script: String, against server: EchoServer, within seconds: Double = 30) throws -> String {
        let shell = try ChildProcess("sh", ["-c", "HOST=\(server.host) PORT=\(server.port)\n\(script)"])
        #expect(try shell.waitForEnd(within: seconds) == .exited(0), "\(shell.standardError)")
        return shell.standardOutput
    }

    private func lines(_ count: Int) -> String { (1...count).map { "\($0)\n" }.joined() }

    @Test("nc that half-closes after sending gets everything back", .program("nc"), arguments: modes)
    func netcat(mode: String) throws {
        let server = try EchoServer("--buffers", mode)
        #expect(try run("seq 100000 | nc -N $HOST $PORT", against: server) == lines(100_000))
        let statistics = try server.stop()
        #expect(statistics.buffers == mode)
        #expect(statistics.connections.accepted == 1 && statistics.connections.cut == 0)
        #expect(statistics.bytes.received == lines(100_000).utf8.count)
        #expect(statistics.bytes.sent == statistics.bytes.received && statistics.bytes.discarded == 0)
    }

    @Test("socat that half-closes after sending gets everything back", .program("socat"), arguments: modes)
    func socat(mode: String) throws {
        let server = try EchoServer("--buffers", mode)
        // -t: how long socat waits for the rest after its own end of input.
        #expect(try run("seq 100000 | socat -t 20 - TCP:$HOST:$PORT", against: server) == lines(100_000))
        try server.stop()
    }

    @Test("A random stream through socat comes back byte for byte", .program("socat"))
    func randomStream() throws {
        // The long version says how long.
        let mebibytes = Int(ProcessInfo.processInfo.environment["ZEROPOOL_STREAM_MEBIBYTES"] ?? "64") ?? 64
        let server = try EchoServer()
        let output = try run(
            """
            set -e
            folder=$(mktemp -d)
            trap 'rm -r "$folder"' EXIT
            head -c \(mebibytes)M /dev/urandom >"$folder/sent"
            socat -b 262144 -t 60 - TCP:$HOST:$PORT <"$folder/sent" >"$folder/received"
            cd "$folder"
            sha256sum sent received
            cmp sent received
            """, against: server, within: 30 + Double(mebibytes))
        let hashes = output.split(separator: "\n").compactMap { $0.split(separator: " ").first }
        #expect(hashes.count == 2 && hashes[0] == hashes[1])
        let statistics = try server.stop()
        #expect(statistics.bytes.received == mebibytes << 20 && statistics.bytes.sent == mebibytes << 20)
    }

    @Test("A line from a peer that stays open comes back at once", .program("nc"))
    func interactive() throws {
        let server = try EchoServer()
        let netcat = try ChildProcess("nc", [server.host, server.port], hasInput: true)
        for line in ["one", "two"] {
            netcat.writeLine(line)
            #expect(try netcat.waitForLine(line, within: 5) == "")
        }
    }

    @Test("Any chunking comes back in order", .program("python3"), arguments: modes, ["single", "random"])
    func chunking(mode: String, cut: String) throws {
        let seed = UInt32.random(in: 0 ... .max)
        print("chunking, \(mode), \(cut): seed \(seed)")
        // Small buffers, so that large pieces take many.
        let server = try EchoServer("--buffers", mode, "--buffer-size", "4096")
        try server.runPeer("chunks", cut, String(seed))
        let statistics = try server.stop()
        #expect(statistics.bytes.received > 0 && statistics.bytes.sent == statistics.bytes.received)
    }

    @Test(
        "2,000 connections at once, each with bytes of its own", .program("python3"), .descriptors(3000),
        arguments: modes)
    func manyConnections(mode: String) throws {
        let seed = UInt32.random(in: 0 ... .max)
        print("2,000 connections, \(mode): seed \(seed)")
        let server = try EchoServer("--buffers", mode)
        try server.runPeer("many", "2000", String(seed), within: 60)
        let statistics = try server.stop()
        #expect(statistics.connections.accepted == 2000 && statistics.connections.cut == 0)
        #expect(statistics.bytes.sent == statistics.bytes.received)
    }

    @Test("Connections that are reset or left at any point hurt nobody else", .program("python3"), arguments: modes)
    func rudePeers(mode: String) throws {
        let seed = UInt32.random(in: 0 ... .max)
        print("rude peers, \(mode): seed \(seed)")
        let server = try EchoServer("--buffers", mode)
        try server.runPeer("rude", "300", String(seed))
        try server.runPeer("messages", "10", "65536")
        #expect(try server.stop().connections.accepted == 302)
    }

    @Test("IPv6", .ipv6, .program("python3"), arguments: ["::1", "[::1]"])
    func ipv6(host: String) throws {
        let server = try EchoServer("--host", host)
        #expect(server.endpoint.hasPrefix("[::1]:"))
        try server.runPeer("messages", "10", "65536")
        #expect(try server.stop().bytes.sent == 655_360)
    }

    @Test("A name as host", .program("python3"))
    func hostName() throws {
        let server = try EchoServer("--host", "localhost")
        try server.runPeer("messages", "10", "100")
        try server.stop()
    }
}
