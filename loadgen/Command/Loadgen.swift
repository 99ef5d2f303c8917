import ArgumentParser
import CommandSupport

/// The program `loadgen`.
@main
struct Loadgen: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loadgen",
        abstract: "Measures TCP echo servers and HTTP servers, and verifies every byte that they send back.",
        discussion: """
            Examples:
              loadgen echo 127.0.0.1:7777 --connections 64 --size 512
              loadgen http http://127.0.0.1:8080/file --verify file
              loadgen compare --html report.html
            """,
        version: Program.version,
        subcommands: [
            EchoCommand.self, HTTPCommand.self, CompareCommand.self, WorthCommand.self, SampleCommand.self,
        ])

    static func main() { runProgram() }
}
