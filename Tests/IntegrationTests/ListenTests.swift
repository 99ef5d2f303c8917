import Glibc
import Testing

/// Where the server listens, and what it says when it can't.
@Suite("Listening")
struct ListenTests {
    /// Runs the server where it must not start; returns what it said.
    private func refusal(_ arguments: String..., status: Int32 = 1) throws -> String {
        let process = try ChildProcess(Program.pooledEcho, ["echo"] + arguments)
        #expect(try process.waitForEnd() == .exited(status), "\(arguments)")
        #expect(process.standardOutput == "", "\(arguments)")
        return process.standardError
    }

    @Test("Port 0 picks a free one, for all reactors the same", .ring, .program("python3"), arguments: ["1", "2"])
    func anyPort(reactors: String) throws {
        let servers = try (0..<3).map { _ in try EchoServer("--reactors", reactors) }
        #expect(Set(servers.map(\.port)).count == 3)
        for server in servers {
            #expect(server.host == "127.0.0.1" && server.port != "0")
            try server.runPeer("messages", "2", "100")
            #expect(try server.stop().reactors == Int(reactors))
        }
    }

    @Test("A port that another pooled-echo has is an error", .ring, arguments: ["1", "2"], ["1", "2"])
    func takenByOurOwn(first: String, second: String) throws {
        let server = try EchoServer("--reactors", first)
        let said = try refusal("--port", server.port, "--reactors", second)
        #expect(said.contains("127.0.0.1:\(server.port) is in use") && said.contains("--port"))
        try server.stop()
    }

    @Test(
        "A port that a foreign program has is an error, SO_REUSEPORT or not", .program("python3"),
        arguments: ["own", "shared"], ["1", "2"])
    func takenByOther(kind: String, reactors: String) throws {
        let listener = try ChildProcess("python3", ["-B", Program.peer("listener"), kind], hasInput: true)
        let port = try listener.waitForLine("listening on ")
        let said = try refusal("--port", port, "--reactors", reactors)
        #expect(said.contains("127.0.0.1:\(port) is in use") && said.contains("--port"))
    }

    @Test("A server starts on the port of one that has just ended busy", .ring, arguments: ["1", "2"])
    func restart(reactors: String) throws {
        let first = try EchoServer("--reactors", reactors)
        let load = try ChildProcess(
            Program.loadgen, ["echo", first.endpoint, "--duration", "20", "--connections", "16"])
        usleep(500_000)
        // Its connections stay in TIME_WAIT: it closed them.
        try first.stop()
        #expect(try load.waitForEnd() == .exited(1))
        let second = try EchoServer("--reactors", reactors, "--port", first.port)
        #expect(second.port == first.port)
        try second.stop()
    }

    @Test("A host that is none, or not of this machine, is an error with its name")
    func badHost() throws {
        #expect(try refusal("--port", "0", "--host", "no such host").contains("cannot listen on 'no such host': "))
        // TEST-NET-3, which no machine has.
        let said = try refusal("--port", "0", "--host", "203.0.113.1")
        #expect(said.contains("cannot listen on 203.0.113.1:0: Cannot assign requested address"))
    }

    @Test(
        "A value that no option takes is wrong usage, and named",
        arguments: [
            ("--port", "65536"), ("--port", "-1"), ("--port", "x"), ("--buffers", "none"), ("--buffer-size", "0"),
            ("--buffer-size", "1073741825"), ("--reactors", "0"), ("--reactors", "129"), ("--max-connections", "0"),
            ("--max-connections", "1000001"), ("--drain-timeout", "-1"), ("--drain-timeout", "nan"),
            ("--drain-timeout", "86401"), ("--stats", "xml"), ("--unknown", "1"),
        ])
    func badValue(option: String, value: String) throws {
        let said = try refusal("\(option)=\(value)", status: 64)
        #expect(said.contains(option))
        #expect(option == "--unknown" || said.contains(value))
    }

    @Test(
        "One connection too many is refused at once, and welcome when another has gone", .ring, .program("python3"),
        arguments: ["1", "2"])
    func maxConnections(reactors: String) throws {
        let server = try EchoServer("--max-connections", "3", "--reactors", reactors)
        try server.runPeer("limit", "3")
        let statistics = try server.stop()
        #expect(statistics.connections.accepted == 4 && statistics.connections.refused >= 5)
    }
}
