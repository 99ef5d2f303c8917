import ArgumentParser
import PooledEcho

/// `pooled-echo echo`: sends back what comes in.
struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Sends back what comes in.",
        discussion: """
            Prints "listening on HOST:PORT" when it serves. SIGINT or SIGTERM stops it: what was received is echoed, \
            and connections are half-closed. After the drain time the rest is cut. A second signal cuts at once.

            A client that loses bytes gets a reset, never an end of stream. --stats json counts what each limit ended. A \
            connection also pauses at 16 unsent buffers, unless --max-owed-bytes is worth more.

            Exit status: 0 when everything was sent, 3 when some connections were cut with bytes unsent, 1 on an error, \
            64 on wrong usage.

            Example: pooled-echo echo --port 7777 --reactors 2
            """)

    @OptionGroup
    var options: ServerOptions

    @Option(help: "Listen on this port; 0 picks a free one.")
    var port: UInt16 = 7777

    @Option(
        help: ArgumentHelp(
            "Receive at most this many bytes at once; rounded up to a power of two.", valueName: "bytes"))
    var bufferSize = 65_536

    @Option(
        help: ArgumentHelp(
            "Stop reading from a client that has this many unread bytes; resume at half. (default: 1048576, or four buffers if that is more)",
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
