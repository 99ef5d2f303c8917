import ArgumentParser
import PooledEcho

/// `pooled-echo echo`: sends back what comes in.
struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Sends back what comes in.",
        discussion: """
            Prints "listening on HOST:PORT" when it serves. SIGINT or SIGTERM ends it: what was received is echoed, \
            then connections are half-closed; after the drain time the rest is cut. A second signal cuts at once.

            Who is owed bytes when it is cut gets a reset, never an end of stream. Limits are of the process, of a \
            reactor, or of a connection, as each option says; --stats json counts what each of them ended. A connection \
            also pauses when it has 16 buffers, so as many small messages, unless --max-owed-bytes is worth more.

            Exit status: 0 when what was owed at the stop was sent, 3 when some of it was cut, 1 on an error, 64 on \
            wrong usage.
            """)

    @OptionGroup
    var options: ServerOptions

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port: UInt16 = 7777

    @Option(
        help: ArgumentHelp(
            "As much as one receive takes at most; a power of two, or rounded up to one.", valueName: "bytes"))
    var bufferSize = 65_536

    @Option(
        help: ArgumentHelp(
            "Of a connection: bytes received and not yet sent back, past which it is not received from until half of them are. (default: 1048576, or four buffers if that is more)",
            valueName: "bytes"))
    var maxOwedBytes: Int?

    func validate() throws {
        guard (1...1 << 30).contains(bufferSize) else {
            throw ValidationError("--buffer-size is 1 to 1073741824 bytes, not \(bufferSize)")
        }
        if let maxOwedBytes, maxOwedBytes < 1 {
            throw ValidationError("--max-owed-bytes is at least 1, not \(maxOwedBytes)")
        }
    }

    func run() throws {
        var configuration = options.configuration(.echo(maxOwedByteCount: maxOwedBytes), port: port)
        configuration.bufferByteCount = bufferSize
        try options.run(configuration)
    }
}
