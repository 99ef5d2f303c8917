import ArgumentParser
import CommandSupport

/// The program `pooled-echo`: a thin front end of the library PooledEcho.
@main
struct PooledEchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pooled-echo",
        abstract: "Serves TCP echoes or files on io_uring, with pooled and registered buffers.",
        discussion: """
            Examples:
              pooled-echo echo --port 7777
              pooled-echo files /srv/www --listing
            """,
        version: Program.version,
        subcommands: [EchoCommand.self, FilesCommand.self])

    static func main() { runProgram() }
}
