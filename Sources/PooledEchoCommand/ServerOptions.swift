public import ArgumentParser
import FoundationEssentials
import Logging
import PooledEcho
import SystemSupport
public import ZeroPoolReactor

/// The options of every server, and how one is run.
struct ServerOptions: ParsableArguments {
    @Option(help: "Listen on this address or name, IPv4 or IPv6.")
    var host = "127.0.0.1"

    @Option(help: "Run this many threads, each with its own ring: 1 to 128. (default: one per processor)")
    var reactors: Int?

    @Option(
        help:
            "Take buffers from the pool and register them (registered), from the pool (pooled), or from malloc (malloc)."
    )
    var buffers = BufferMode.registered

    @Option(help: "Refuse connections beyond this many. Fewer where ulimit -n is short.")
    var maxConnections = 16_384

    @Option(
        help: ArgumentHelp(
            "Refuse connections beyond this many from one address (IPv6: one /64 network). Needs Linux 6.8. (default: no limit)",
            valueName: "connections"))
    var maxConnectionsPerAddress: Int?

    @Option(
        help: ArgumentHelp(
            "Close a connection after this many seconds without traffic; 0 for never.",
            valueName: "seconds"))
    var idleSeconds = 600.0

    @Option(
        help: ArgumentHelp(
            "While others wait for buffers, cut a connection whose peer takes no whole buffer for this many seconds.",
            valueName: "seconds"))
    var stallSeconds = 0.5

    @Option(
        help: ArgumentHelp(
            "Give memory back to the system after this many seconds without use; 0 for never.",
            valueName: "seconds"))
    var trimSeconds = 2.0

    @Option(help: ArgumentHelp("When the server stops, wait this many seconds for its peers.", valueName: "seconds"))
    var drainSeconds = 5.0

    @Option(
        help: ArgumentHelp(
            "Map at most this much memory for the pool; each reactor has an equal part. Not with --buffers malloc. (default: the most of a quarter of memory, 64 MiB, and 32 buffers per reactor)",
            valueName: "bytes"))
    var poolBytes: Int?

    @Option(help: "Print what the server did when it ends: json.")
    var stats: StatisticsFormat?

    func validate() throws {
        if let reactors, !(1...128).contains(reactors) {
            throw ValidationError("--reactors is 1 to 128, not \(reactors)")
        }
        guard (1...1_000_000).contains(maxConnections) else {
            throw ValidationError("--max-connections is 1 to 1000000, not \(maxConnections)")
        }
        if let maxConnectionsPerAddress, maxConnectionsPerAddress < 1 {
            throw ValidationError("--max-connections-per-address is at least 1, not \(maxConnectionsPerAddress)")
        }
        guard idleSeconds == 0 || (0.1...86_400).contains(idleSeconds) else {
            throw ValidationError("--idle-seconds is 0.1 to 86400, or 0, not \(idleSeconds)")
        }
        guard (0.01...86_400).contains(stallSeconds) else {
            throw ValidationError("--stall-seconds is 0.01 to 86400, not \(stallSeconds)")
        }
        guard trimSeconds == 0 || (0.1...86_400).contains(trimSeconds) else {
            throw ValidationError("--trim-seconds is 0.1 to 86400, or 0, not \(trimSeconds)")
        }
        guard (0...86_400).contains(drainSeconds) else {
            throw ValidationError("--drain-seconds is 0 to 86400, not \(drainSeconds)")
        }
        if let poolBytes {
            guard poolBytes > 0 else { throw ValidationError("--pool-bytes is at least 1, not \(poolBytes)") }
            guard buffers != .malloc else {
                throw ValidationError("--pool-bytes limits the pool, and --buffers malloc has none")
            }
        }
    }

    /// For a server that listens on `port`.
    func configuration(_ service: ServerConfiguration.Service, port: UInt16) -> ServerConfiguration {
        var configuration = ServerConfiguration(service)
        configuration.host = host
        configuration.port = port
        configuration.reactorCount = reactors
        configuration.buffers = buffers
        configuration.maxConnectionCount = maxConnections
        configuration.maxConnectionCountPerAddress = maxConnectionsPerAddress
        configuration.idleSeconds = idleSeconds
        configuration.stallSeconds = stallSeconds
        configuration.trimSeconds = trimSeconds
        configuration.drainSeconds = drainSeconds
        configuration.poolByteCount = poolBytes
        return configuration
    }

    /// Serves until a signal, and says how it went.
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

/// What `--stats` takes.
enum StatisticsFormat: String, ExpressibleByArgument, CaseIterable {
    case json
}

extension BufferMode: ExpressibleByArgument {}
