import ArgumentParser

/// The program `pooled-echo`: a thin face of the library PooledEcho.
@main
struct PooledEchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pooled-echo",
        abstract: "TCP servers on io_uring, with pooled and registered buffers.",
        subcommands: [EchoCommand.self, FilesCommand.self])
}
