public import ArgumentParser
import CommandSupport
import FoundationEssentials
import Logging
import PooledEcho
import SystemSupport
public import ZeroPoolReactor

/// The headings under which `--help` lists options. Groups with the same title are listed as one.
enum OptionTitle {
    static let listening = "Listening"
    static let files = "Files"
    static let limits = "Limits"
    static let buffers = "Buffers"
    static let output = "Output"
}

/// Where a server listens, and on how many threads.
struct ListeningOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Listen on this address or host name, IPv4 or IPv6.", valueName: "address"))
    var host = "127.0.0.1"

    @Option(
        count: "Run this many threads, each with its own ring: 1 to 128. (default: one per processor)", in: 1...128)
    var reactors: Int?

    func apply(to configuration: inout ServerConfiguration) {
        configuration.host = host
        configuration.reactorCount = reactors
    }
}

/// Where a server's buffers come from.
struct BufferOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Take buffers from the pool, registered with the ring (registered) or not (pooled), or from malloc (malloc).",
            valueName: "source"))
    var buffers = BufferMode.registered

    @Option(
        size: """
            Map at most this much memory for the pool; each reactor gets an equal part. Does not apply to --buffers malloc. \
            (default: a quarter of the memory, but at least 64M and 32 buffers per reactor)
            """, in: 1...Int.max)
    var poolSize: ByteCount?

    @Option(
        time: "Give memory back to the system after this time without use; 0 for never.", in: 0.1...86_400, orZero: true
    )
    var trimAfter = TimeSpan(seconds: 2)

    func validate() throws {
        if poolSize != nil, buffers == .malloc {
            throw ValidationError(
                "--pool-size limits the pool, which --buffers malloc does not use; leave one of them out")
        }
    }

    func apply(to configuration: inout ServerConfiguration) {
        configuration.buffers = buffers
        configuration.poolByteCount = poolSize?.value
        configuration.trimSeconds = trimAfter.seconds
    }
}

/// The limits of both servers.
struct LimitOptions: ParsableArguments {
    @Option(
        count: "Refuse connections beyond this number. A low ulimit -n lowers the limit.", valueName: "connections",
        in: 1...1_000_000)
    var maxConnections = 16_384

    @Option(
        count:
            "Refuse connections beyond this number per client address (IPv6: per /64 network). Needs Linux 6.8. (default: no limit)",
        valueName: "connections", in: 1...Int.max)
    var maxConnectionsPerAddress: Int?

    @Option(
        time: "Close a connection after this time without traffic; 0 for never.", in: 0.1...86_400, orZero: true)
    var idleTimeout = TimeSpan(seconds: 600)

    @Option(
        time:
            "Cut a connection whose client has not taken a whole buffer for this time, but only while others wait for buffers.",
        in: 0.01...86_400)
    var stallTimeout = TimeSpan(seconds: 0.5)

    @Option(time: "Wait at most this long for clients when the server stops.", in: 0...86_400)
    var drainTimeout = TimeSpan(seconds: 5)

    func apply(to configuration: inout ServerConfiguration) {
        configuration.maxConnectionCount = maxConnections
        configuration.maxConnectionCountPerAddress = maxConnectionsPerAddress
        configuration.idleSeconds = idleTimeout.seconds
        configuration.stallSeconds = stallTimeout.seconds
        configuration.drainSeconds = drainTimeout.seconds
    }
}

/// The output of a server, and how it runs.
struct OutputOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Print statistics when the server ends, in this format.", valueName: "format"))
    var stats: StatisticsFormat?

    /// Serves until a signal stops the server, and prints the outcome.
    func run(_ configuration: ServerConfiguration) throws {
        LoggingSystem.bootstrap { label in StreamLogHandler.standardError(label: label) }
        let logger = Logger(label: "pooled-echo")
        let outcome: Server.Outcome
        do throws(ServerError) {
            let server = try Server(configuration, logger: logger)
            StandardStream.output.writeLine("listening on \(server.name)")
            outcome = try server.runUntilStopped(logger: logger)
        } catch {
            StandardStream.error.writeLine("pooled-echo: \(error)")
            throw ExitCode.failure
        }
        if stats == .json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            StandardStream.output.writeLine(String(decoding: try encoder.encode(outcome.statistics), as: UTF8.self))
        }
        if !outcome.isComplete { throw ExitCode(3) }
    }
}

/// The values of `--stats`.
enum StatisticsFormat: String, ExpressibleByArgument, CaseIterable {
    case json
}

extension BufferMode: ExpressibleByArgument {}
