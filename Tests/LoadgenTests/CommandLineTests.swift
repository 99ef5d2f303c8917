import ArgumentParser
import CommandSupport
import Testing

@testable import loadgen

@Suite("Command line")
struct CommandLineTests {
    private func echo(_ arguments: String...) throws -> EchoCommand {
        try #require(try Loadgen.parseAsRoot(["echo"] + arguments) as? EchoCommand)
    }

    private func compare(_ arguments: String...) throws -> CompareCommand {
        try #require(try Loadgen.parseAsRoot(["compare"] + arguments) as? CompareCommand)
    }

    @Test("echo: every option is read, and has a default")
    func echoOptions() throws {
        let plain = try echo("localhost:7777")
        #expect(plain.target == Endpoint(host: "localhost", port: 7777))
        #expect(
            plain.messages.size.value == 512 && plain.load.connections == 64 && plain.load.pipeline == 1
                && plain.load.threads == 1)
        let full = try echo(
            "[::1]:1", "--connections", "10", "--size", "64K", "--duration", "500ms", "--warmup", "0", "--pipeline",
            "4",
            "--threads", "2", "--json", "-")
        #expect(full.messages.size.value == 65536 && full.load.connections == 10 && full.load.duration.seconds == 0.5)
        #expect(
            full.load.warmup.seconds == 0 && full.load.pipeline == 4 && full.load.threads == 2
                && full.output.json == "-")
    }

    @Test(
        "echo: what makes no sense is refused with the option's name",
        arguments: [
            ("--connections", "0"), ("--size", "0"), ("--size", "2G"), ("--size", "9999999999G"), ("--size", "12Q"),
            ("--duration", "0"), ("--duration", "-1"), ("--duration", "nan"), ("--warmup", "-0.1"), ("--pipeline", "0"),
            ("--threads", "0"), ("--threads", "65"),
        ])
    func echoRefuses(option: String, value: String) {
        let error = #expect(throws: (any Error).self) { try echo("localhost:7777", "\(option)=\(value)") }
        let text = error.map { Loadgen.fullMessage(for: $0) } ?? ""
        #expect(text.contains(option) && text.contains(value), "\(text)")
    }

    @Test("echo: a target without a port is refused, and an example given")
    func echoRefusesTarget() {
        let error = #expect(throws: (any Error).self) { try echo("localhost") }
        #expect(error.map { Loadgen.fullMessage(for: $0) }?.contains("such as 127.0.0.1:7777") == true)
        #expect(throws: (any Error).self) { try echo() }
    }

    private func http(_ arguments: String...) throws -> HTTPCommand {
        try #require(try Loadgen.parseAsRoot(["http"] + arguments) as? HTTPCommand)
    }

    @Test("http: every option is read, and bodies are not verified by default")
    func httpOptions() throws {
        let plain = try http("http://localhost/")
        #expect(plain.url.endpoint == Endpoint(host: "localhost", port: 80) && plain.verification.verify == nil)
        let hash = String(repeating: "aB", count: 32)
        let full = try http("http://[::1]:8080/x", "--sha256", hash, "--pipeline", "4", "--connections", "7")
        #expect(full.verification.hash == hash && full.load.pipeline == 4 && full.load.connections == 7)
        #expect(try http("http://h/", "--verify", "/etc/hosts").verification.verify == "/etc/hosts")
    }

    @Test(
        "http: what makes no sense is refused, and it is said why",
        arguments: [
            (["https://h/"], "does not support TLS"), (["h:80"], "begins with http://"), (["http://"], "needs a host"),
            (["http://h/", "--sha256", "abc"], "64 hexadecimal digits"),
            (
                ["http://h/", "--sha256", String(repeating: "a", count: 64), "--verify", "x"],
                "only one of --verify and --sha256"
            ),
            (["http://h/", "--pipeline", "0"], "--pipeline"), ([], "Missing expected argument"),
        ])
    func httpRefuses(arguments: [String], reason: String) {
        let error = #expect(throws: (any Error).self) { try Loadgen.parseAsRoot(["http"] + arguments) }
        #expect(error.map { Loadgen.fullMessage(for: $0) }?.contains(reason) == true)
    }

    @Test("compare: by default a get and return, echo and files; cases of the echo are repeatable")
    func compareOptions() throws {
        let plain = try compare()
        #expect(plain.pairByteCounts == [65536])
        #expect(
            plain.cases.map(\.title) == [
                "64 connections × 512 B", "64 connections × file of 4 KiB, hot", "64 connections × file of 64 KiB, hot",
                "16 connections × file of 1 MiB, hot", "1 connection × file of 256 MiB, cold",
            ])
        #expect(plain.measuring.rounds >= RatioInterval.leastRoundCount, "the default could call nothing a difference")
        let command = try compare(
            "--echo-only", "--case", "64x512", "--case", "2x1M", "--rounds", "7", "--server", "/bin/x")
        #expect(
            command.cases == [
                .echo(EchoCase(connections: 64, messageByteCount: 512)),
                .echo(EchoCase(connections: 2, messageByteCount: 1 << 20)),
            ])
        #expect(command.measuring.rounds == 7 && command.workloads.server == "/bin/x" && command.pairByteCounts.isEmpty)
    }

    @Test("compare: --files-only and --pairs-only leave out the rest")
    func compareNarrowed() throws {
        let files = try compare("--files-only", "--folder", "/some/folder")
        #expect(files.workloads.folder == "/some/folder" && files.pairByteCounts.isEmpty)
        #expect(files.cases == FileCase.defaults.map(ComparisonCase.file))
        let pairs = try compare("--pairs-only")
        #expect(pairs.cases.isEmpty && pairs.pairByteCounts == [65536])
    }

    @Test(
        "compare: options that contradict each other are refused by name",
        arguments: [
            (["--echo-only", "--files-only"], "give only one of --echo-only and --files-only"),
            (["--pairs-only", "--echo-only", "--files-only"], "--pairs-only and --echo-only and --files-only"),
            (
                ["--echo-only", "--folder", "/tmp"],
                "--folder is for the test files, which --echo-only does not measure"
            ),
            (
                ["--files-only", "--case", "1x1"],
                "--case is a load for the echo server, which --files-only does not measure"
            ),
            (["--pairs-only", "--server", "/bin/x"], "--server names a server, and --pairs-only does not measure one"),
            (["--rounds", "0"], "'0' is invalid for '--rounds <number>': it must be a whole number, 1 to 1000"),
            (["--html", "/no/such/folder/a.html"], "--html '/no/such/folder/a.html' can't be written"),
        ])
    func compareConflicts(arguments: [String], reason: String) {
        let error = #expect(throws: (any Error).self) { try Loadgen.parseAsRoot(["compare"] + arguments) }
        #expect(error.map { Loadgen.fullMessage(for: $0) }?.contains(reason) == true)
    }

    @Test("A file that can't be written is refused before anything is measured")
    func outputPath() throws {
        let error = #expect(throws: ValidationError.self) {
            try OutputPath.check("/no/such/folder/page.html", option: "--svg")
        }
        #expect(
            error?.message.contains("--svg '/no/such/folder/page.html' can't be written: there is no folder") == true)
        try OutputPath.check("/dev/null", option: "--svg")
        #expect(throws: ValidationError.self) { try OutputPath.check("/tmp", option: "--svg") }
        #expect(throws: ValidationError.self) { try OutputPath.check(folder: "/no/such/folder", option: "--folder") }
        #expect(throws: ValidationError.self) { try OutputPath.check(folder: "/dev/null", option: "--folder") }
        try OutputPath.check(folder: "/tmp", option: "--folder")
    }

    @Test("compare: what is no case is refused", arguments: ["64", "x512", "64x", "0x512", "64x0", "64x512x1", "axb"])
    func compareRefuses(text: String) {
        #expect(throws: (any Error).self) { try compare("--case", text) }
    }
}
