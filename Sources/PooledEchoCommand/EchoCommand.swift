import ArgumentParser
import FoundationEssentials
import Logging
import PooledEcho

/// `pooled-echo echo`: sends back what comes in.
struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Sends back what comes in.",
        discussion: """
            Prints "listening on HOST:PORT" when it serves. SIGINT or SIGTERM ends it: what was received is echoed, \
            then connections are half-closed; after the drain time the rest is cut. A second signal cuts at once.

            Exit status: 0 when all that was received was sent, 3 when something was cut, 1 on an error, 64 on wrong \
            usage.
            """)

    @Option(help: "The address or name to listen on; IPv6 too.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 picks a free one.")
    var port: UInt16 = 7777

    @Option(help: "Threads, each with a ring of its own: 1 to 128. (default: one a processor)")
    var reactors: Int?

    @Option(
        help:
            "Where buffers come from: registered (the pool's, registered with the ring), pooled (without registration), malloc (each allocated for its use)."
    )
    var buffers = BufferMode.registered

    @Option(
        help: ArgumentHelp(
            "As much as one receive takes at most; a power of two, or rounded up to one.", valueName: "bytes"))
    var bufferSize = 65_536

    @Option(help: "Connections at once, of the process; more are refused.")
    var maxConnections = 16_384

    @Option(help: "How long a stopping server waits for its peers, in seconds.")
    var drainSeconds = 5.0

    @Option(help: "Prints what the server did, when it ends: json.")
    var stats: StatisticsFormat?

    func validate() throws {
        if let reactors, !(1...128).contains(reactors) {
            throw ValidationError("--reactors is 1 to 128, not \(reactors)")
        }
        guard (1...1 << 30).contains(bufferSize) else {
            throw ValidationError("--buffer-size is 1 to 1073741824 bytes, not \(bufferSize)")
        }
        guard (1...1_000_000).contains(maxConnections) else {
            throw ValidationError("--max-connections is 1 to 1000000, not \(maxConnections)")
        }
        guard drainSeconds >= 0, drainSeconds <= 86_400 else {
            throw ValidationError("--drain-seconds is 0 to 86400, not \(drainSeconds)")
        }
    }

    func run() throws {
        LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
        let logger = Logger(label: "pooled-echo")
        var configuration = ServerConfiguration()
        configuration.host = host
        configuration.port = port
        configuration.reactorCount = reactors
        configuration.buffers = buffers
        configuration.bufferByteCount = bufferSize
        configuration.maxConnectionCount = maxConnections
        configuration.drainSeconds = drainSeconds
        let outcome: EchoServer.Outcome
        do throws(ServerError) {
            let server = try EchoServer(configuration, logger: logger)
            StandardOutput.printLine("listening on \(server.name)")
            outcome = try server.runUntilStopped(logger: logger)
        } catch {
            StandardOutput.printError("pooled-echo: \(error)")
            throw ExitCode.failure
        }
        if stats == .json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            StandardOutput.printLine(String(decoding: try encoder.encode(outcome.statistics), as: UTF8.self))
        }
        if !outcome.isComplete { throw ExitCode(3) }
    }
}

/// What `--stats` takes.
enum StatisticsFormat: String, ExpressibleByArgument, CaseIterable {
    case json
}

extension BufferMode: ExpressibleByArgument {}
