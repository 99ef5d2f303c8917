import Foundation
import TestSupport
import Testing

/// What both programs say about themselves, and to command lines that make no sense.
@Suite("Command lines")
struct CommandLineTests {
    private static let programs = [Program.pooledEcho, Program.loadgen]
    private static let commands = [
        [Program.pooledEcho], [Program.pooledEcho, "echo"], [Program.pooledEcho, "files"], [Program.loadgen],
        [Program.loadgen, "echo"], [Program.loadgen, "http"], [Program.loadgen, "compare"], [Program.loadgen, "worth"],
    ]

    private func run(_ program: String, _ arguments: [String], status: Int32) throws -> ChildProcess {
        let process = try ChildProcess(program, arguments)
        #expect(try process.waitForEnd() == .exited(status), "\(arguments): \(process.standardError)")
        return process
    }

    @Test("--version prints the version that the changelog begins with", arguments: programs)
    func version(program: String) throws {
        let said = try run(program, ["--version"], status: 0).standardOutput
        let changelog = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../CHANGELOG.md")
        let heading = try String(contentsOf: changelog, encoding: .utf8).split(separator: "\n")
            .first { $0.hasPrefix("## ") }
        let version = try #require(said.split(separator: "\n").first)
        #expect(version.split(separator: ".").count == 3)
        #expect(heading?.split(separator: " ").dropFirst().first == version)
    }

    @Test("--help has an example", arguments: commands)
    func help(command: [String]) throws {
        let text = try run(command[0], command.dropFirst() + ["--help"], status: 0).standardOutput
        #expect(text.contains(/Examples?:\s+\S+/), "\(text)")
    }

    @Test(
        "--help groups the options, those that are used most first",
        arguments: [
            ([Program.pooledEcho, "echo"], ["LISTENING", "BUFFERS", "LIMITS", "OUTPUT"]),
            ([Program.pooledEcho, "files"], ["LISTENING", "FILES", "LIMITS", "BUFFERS", "OUTPUT"]),
            ([Program.loadgen, "echo"], ["LOAD", "OUTPUT"]),
            ([Program.loadgen, "http"], ["LOAD", "VERIFICATION", "OUTPUT"]),
            ([Program.loadgen, "compare"], ["WORKLOADS", "MEASURING", "OUTPUT"]),
            ([Program.loadgen, "worth"], ["MEASURING", "OUTPUT"]),
        ])
    func groups(command: [String], titles: [String]) throws {
        let text = try run(command[0], command.dropFirst() + ["--help"], status: 0).standardOutput
        let headings = text.split(separator: "\n").filter { $0.hasSuffix(":") && $0.uppercased() == $0 }
            .map { String($0.dropLast()) }
        #expect(headings.filter { $0 != "ARGUMENTS" } == titles + ["OPTIONS"], "\(text)")
    }

    @Test(
        "A misspelt subcommand is named, and the right one offered",
        arguments: [
            ([Program.pooledEcho, "file", "www"], "There is no subcommand 'file'. Did you mean 'files'?"),
            ([Program.pooledEcho, "/srv/www"], "There is no subcommand '/srv/www'. Use one of: echo, files."),
            ([Program.loadgen, "htpt", "http://h/"], "There is no subcommand 'htpt'. Did you mean 'http'?"),
        ])
    func misspelt(command: [String], message: String) throws {
        let process = try run(command[0], Array(command.dropFirst()), status: 64)
        #expect(process.standardError.contains("Error: \(message)\n") && process.standardOutput == "")
    }

    @Test(
        "A value that an option does not take is named with the option, and the accepted form said",
        arguments: [
            (["echo", "--buffer-size", "64Q"], "'64Q' is invalid for '--buffer-size <size>': write a size"),
            (["echo", "--buffer-size", "-1"], "'-1' is invalid for '--buffer-size <size>': write a size"),
            (["echo", "--buffer-size", "2G"], "'2G' is invalid for '--buffer-size <size>': it must be 1 to 1G"),
            (["echo", "--idle-timeout", "5 s"], "'5 s' is invalid for '--idle-timeout <time>': write a time"),
            (["echo", "--idle-timeout", "1ms"], "'--idle-timeout <time>': it must be 100ms to 24h, or 0"),
            (
                ["echo", "--port", "70000"],
                "'70000' is invalid for '--port <port>': it must be a whole number, 0 to 65535"
            ),
            (["echo", "--reactors", "many"], "'--reactors <number>': it must be a whole number, 1 to 128"),
            (["echo", "--pool-size", "0"], "'0' is invalid for '--pool-size <size>': it must be 1 or more"),
            (["echo", "--pool-size", "1M", "--buffers", "malloc"], "--pool-size limits the pool"),
            (["echo", "--buffers", "mallok"], "'mallok' is invalid for '--buffers <source>'"),
            (["echo", "--idle-timout", "5s"], "Unknown option '--idle-timout'. Did you mean '--idle-timeout'?"),
            (["files"], "Missing expected argument '<root>'"),
            (["files", ".", "www"], "Unexpected argument 'www'"),
            (["files", ".", "--block-size", "1K"], "'--block-size <size>': it must be 4K to 16M"),
            (["files", ".", "--cache-max-age", "x"], "'x' is invalid for '--cache-max-age <time>': write a time"),
            (["files", ".", "--cache-size"], "Missing value for '--cache-size <size>'"),
        ])
    func badValue(arguments: [String], message: String) throws {
        let process = try run(Program.pooledEcho, arguments, status: 64)
        #expect(process.standardError.contains(message), "\(process.standardError)")
        #expect(process.standardOutput == "")
    }

    @Test("Sizes and times take units", .ring)
    func units() throws {
        let server = try EchoServer(
            "--buffer-size", "16K", "--pool-size", "64M", "--max-unread", "1M", "--idle-timeout", "2m",
            "--stall-timeout", "500ms", "--trim-after", "1h", "--drain-timeout", "1.5s")
        try server.stop()
    }

    @Test("The script for bash's completion is one that bash takes", .program("bash"), arguments: programs)
    func bashCompletion(program: String) throws {
        let script = try run(program, ["--generate-completion-script", "bash"], status: 0).standardOutput
        let name = program.split(separator: "/").last.map(String.init) ?? ""
        #expect(script.contains("complete -") && script.contains(name))
        let file = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString).bash")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data(script.utf8).write(to: file)
        _ = try run("bash", ["-n", file.path], status: 0)
    }

    @Test("There are completions for zsh and fish", arguments: programs, ["zsh", "fish"])
    func completion(program: String, shell: String) throws {
        let script = try run(program, ["--generate-completion-script", shell], status: 0).standardOutput
        #expect(script.contains("--help") || script.contains("help"))
    }

    @Test(
        "Each command and option has a text of whole sentences, from which the man pages are made", arguments: programs)
    func dumpedHelp(program: String) throws {
        struct Dump: Decodable {
            struct Command: Decodable {
                let commandName: String
                let abstract: String?
                let arguments: [Argument]?
                let subcommands: [Command]?
                let shouldDisplay: Bool
            }
            struct Argument: Decodable {
                let valueName: String?
                let abstract: String?
            }
            let command: Command
        }
        let text = try run(program, ["--experimental-dump-help"], status: 0).standardOutput
        let root = try JSONDecoder().decode(Dump.self, from: Data(text.utf8)).command
        #expect(program.hasSuffix("/" + root.commandName))
        let commands = (root.subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
        #expect(commands.count >= 2)
        for command in commands {
            #expect(command.abstract?.isEmpty == false)
            let arguments = (command.arguments ?? []).filter { !["version", "help"].contains($0.valueName) }
            #expect(arguments.count >= 3)
            for argument in arguments {
                let abstract = argument.abstract ?? ""
                #expect(abstract.first?.isUppercase == true, "\(argument)")
                #expect(abstract.hasSuffix(".") || abstract.hasSuffix(")"), "\(argument)")
            }
        }
    }
}
