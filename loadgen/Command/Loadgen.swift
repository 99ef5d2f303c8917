import ArgumentParser

/// The program.
@main
struct Loadgen: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loadgen",
        abstract: "Measures TCP echo servers and HTTP servers, and verifies every byte that they send back.",
        subcommands: [
            EchoCommand.self, HTTPCommand.self, CompareCommand.self, WorthCommand.self, SampleCommand.self,
        ])
}
