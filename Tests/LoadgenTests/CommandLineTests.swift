import ArgumentParser
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
        #expect(plain.connections == 64 && plain.size.value == 512 && plain.pipeline == 1 && plain.threads == 1)
        let full = try echo(
            "[::1]:1", "--connections", "10", "--size", "64K", "--duration", "0.5", "--warmup", "0", "--pipeline", "4",
            "--threads", "2", "--json", "-")
        #expect(full.connections == 10 && full.size.value == 65536 && full.duration == 0.5 && full.warmup == 0)
        #expect(full.pipeline == 4 && full.threads == 2 && full.json == "-")
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
        #expect(error.map { Loadgen.fullMessage(for: $0) }?.contains(option) == true)
    }

    @Test("echo: a target without a port is refused")
    func echoRefusesTarget() {
        #expect(throws: (any Error).self) { try echo("localhost") }
        #expect(throws: (any Error).self) { try echo() }
    }

    @Test("compare: cases are repeatable and have defaults")
    func compareOptions() throws {
        #expect(try compare().cases == ComparisonCase.defaults)
        let command = try compare("--case", "64x512", "--case", "2x1M", "--rounds", "5", "--server", "/bin/x")
        #expect(
            command.cases == [
                ComparisonCase(connections: 64, messageByteCount: 512),
                ComparisonCase(connections: 2, messageByteCount: 1 << 20),
            ])
        #expect(command.rounds == 5 && command.server == "/bin/x")
    }

    @Test("compare: what is no case is refused", arguments: ["64", "x512", "64x", "0x512", "64x0", "64x512x1", "axb"])
    func compareRefuses(text: String) {
        #expect(throws: (any Error).self) { try compare("--case", text) }
    }
}
