import FoundationEssentials
import Glibc
import Testing

/// What each limit does when it is reached.
@Suite("Limits", .ring, .program("python3"))
struct LimitTests {
    /// Server CPU time in a second of nothing to do, a herd refused before it included: a loop that spins has a second.
    private static let quietProcessorSeconds = 0.4

    @Test("A full server refuses a herd at once, and does not spin", .descriptors(2000), arguments: ["1", "2"])
    func herd(reactors: String) throws {
        let server = try EchoServer("--max-connections", "30", "--reactors", reactors)
        let report = try server.runPeer("herd", "30", "300", String(server.process.id))
        #expect(try report.figure("processor seconds") < Self.quietProcessorSeconds)
        let statistics = try server.stop()
        #expect(statistics.connections.accepted == 31)
        // The rest found the table full, in the kernel.
        #expect(statistics.connections.refused >= 200)
    }

    @Test(
        "With 64 descriptors it plans for them, refuses the rest at once, and does not spin", .program("prlimit"),
        .descriptors(2000), arguments: ["1", "2"])
    func fewDescriptors(reactors: String) throws {
        let server = try EchoServer("--reactors", reactors, launcher: ["prlimit", "--nofile=64:64"])
        let said = server.process.standardError
        #expect(said.contains("the descriptor limit allows") && said.contains("ulimit -n"), "\(said)")
        let numbers = said.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        let allowed = try #require(numbers.last { $0 < 64 })
        let report = try server.runPeer("herd", String(allowed), "300", String(server.process.id))
        #expect(try report.figure("processor seconds") < Self.quietProcessorSeconds)
        try server.runPeer("limit", String(allowed))
        #expect(try server.stop().connections.refused >= 200)
    }

    @Test("An address has so many connections, and others have theirs", arguments: ["1", "2"])
    func perAddress(reactors: String) throws {
        let server = try EchoServer("--max-connections-per-address", "5", "--reactors", reactors)
        try server.runPeer("addresses", "5")
        #expect(try server.stop().connections.refused >= 9)
    }

    @Test("Who is quiet for the idle time is closed, and reset when bytes are owed; who talks stays")
    func idle() throws {
        let server = try EchoServer("--idle-timeout", "2")
        try server.runPeer("quiet", "2")
        let statistics = try server.stop()
        #expect(statistics.connections.idle == 3 && statistics.connections.cut == 0)
    }

    @Test("A connection is owed no more than its limit, but for what was on its way")
    func owedBytes() throws {
        let limit = 262_144
        let server = try EchoServer("--reactors", "1", "--max-unread", String(limit))
        let deaf = try server.peer("deaf", "4", "stay")
        try deaf.waitForLine("stalled")
        deaf.writeLine()
        #expect(try PeerReport(ofEnded: deaf).count("cut") == 0)
        let statistics = try server.stop()
        // A turn of the loop delivers up to 256 buffers before anybody can pause who gets them, and the next one as many
        // before the receive has ended.
        let overshoot = 2 * 256 * 65_536
        // Who is received from in small parts is paused for as many buffers, and owed less.
        #expect(statistics.maxOwedByteCount > 0 && statistics.maxOwedByteCount <= limit + overshoot)
        #expect(statistics.pausedReceives >= 4)
    }

    @Test("The pool takes no more than its bytes", arguments: ["1", "2"])
    func poolBytes(reactors: String) throws {
        let server = try EchoServer("--reactors", reactors, "--pool-size", "16777216")
        let deaf = try server.peer("deaf", "50", "return")
        try deaf.waitForLine("sending")
        try server.runPeer("messages", "50", "65536")
        deaf.writeLine()
        _ = try PeerReport(ofEnded: deaf)
        server.process.send(SIGTERM)
        try server.process.waitForEnd()
        let statistics = try server.statistics()
        #expect(statistics.pool.mappedByteCount <= 16 << 20)
        // There is not a mebibyte for each of them.
        #expect(statistics.scarcities > 0)
    }

    @Test(
        "A value that a limit does not take is wrong usage, and said in a sentence",
        arguments: [
            ["--max-connections-per-address", "0"], ["--max-connections-per-address", "-1"],
            ["--max-unread", "0"], ["--max-unread", "x"], ["--idle-timeout", "-1"], ["--idle-timeout", "nan"],
            ["--stall-timeout", "-1"], ["--stall-timeout", "nan"], ["--trim-after", "0.01"],
            ["--trim-after", "nan"], ["--pool-size", "0"], ["--pool-size", "-1"],
            ["--pool-size", "1048576", "--buffers", "malloc"],
        ])
    func badValue(arguments: [String]) throws {
        let option = arguments[0]
        let server = try ChildProcess(
            Program.pooledEcho, ["echo", "--port", "0", "\(option)=\(arguments[1])"] + arguments.dropFirst(2))
        #expect(try server.waitForEnd() == .exited(64))
        #expect(server.standardError.contains(option), "\(server.standardError)")
    }

    @Test("Each limit has a line in --help with its unit and its default")
    func help() throws {
        let program = try ChildProcess(Program.pooledEcho, ["echo", "--help"])
        #expect(try program.waitForEnd() == .exited(0))
        let options = program.standardOutput.components(separatedBy: "\n  --")
        for option in [
            "max-connections ", "max-connections-per-address ", "max-unread ", "idle-timeout ", "stall-timeout ",
            "trim-after ", "drain-timeout ", "pool-size ",
        ] {
            let text = try #require(options.first { $0.hasPrefix(option) }, "--help lacks --\(option)")
            #expect(["<time>", "<size>", "<connections>"].contains { text.contains($0) }, "\(text)")
            #expect(text.contains("default"), "\(text)")
        }
    }
}
