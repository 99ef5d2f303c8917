import Glibc
package import Logging
import SystemSupport
package import ZeroPool
package import ZeroPoolReactor

/// A server with its reactors, from its start to its end.
package final class Server: Sendable {
    /// How a server ended.
    package struct Outcome: Sendable {
        /// What it did.
        package var statistics: ServerStatistics
        /// Whether everything that had to be sent when it was stopped was sent.
        package var isComplete: Bool { statistics.reactor.connections.cut == 0 }
    }

    private let configuration: ServerConfiguration
    private let pool: BufferPool
    private let reactors: ReactorGroup
    private let accessLog: AccessLog?
    private let fileStatistics = Monitor(FileStatistics())
    /// The address that it listens on, as a client writes it.
    package let name: String

    // MARK: Life

    /// Listens, starts the reactors, and returns when all of them serve. The error's description is a sentence for
    /// the user.
    ///
    /// SIGINT and SIGTERM are blocked in the calling thread, and so in all threads that it starts: `runUntilStopped`
    /// receives them.
    package init(_ configuration: ServerConfiguration, logger: Logger) throws(ServerError) {
        self.configuration = configuration
        Server.blockStopSignals()
        let files = try Server.fileSource(configuration.service)
        accessLog = files?.accessLog
        let address: SocketAddress
        do throws(AddressError) {
            address = try SocketAddress(resolving: configuration.host, port: configuration.port)
        } catch {
            throw Server.error(error, host: configuration.host)
        }
        let listener: Listener
        do throws(ReactorError) {
            let plan = Server.groupConfiguration(configuration, logger)
            pool = try Server.makePool(configuration, reactorCount: try plan.plannedReactorCount())
            reactors = try ReactorGroup(holding: pool, configuration: plan)
            listener = try reactors.listen(at: address)
        } catch {
            throw .reactor(error)
        }
        name = listener.address.description
        switch (configuration.service, files) {
        case (.files(let files), .some(let source)): serve(files, from: source, at: listener)
        default: reactors.start(listener) { _ in serveEcho }
        }
    }

    private func serve(_ files: FilesConfiguration, from source: FileSource, at listener: Listener) {
        let reactorCount = reactors.reactors.count
        let openFileCount = reactors.openFileCount / reactorCount
        let keptByteCount = configuration.keptByteCount / reactorCount
        let statistics = fileStatistics
        reactors.start(listener) { reactor in
            let server = FileServer(
                files, source: source, openFileCount: openFileCount, keptByteCount: keptByteCount, reactor: reactor)
            reactor.onEnd = {
                let part = server.end()
                statistics.withLock { $0.add(part) }
            }
            return { connection in try await FileHandler(connection, server).run() }
        }
    }

    private static func groupConfiguration(
        _ configuration: ServerConfiguration, _ logger: Logger
    ) -> ReactorGroup.Configuration {
        var group = ReactorGroup.Configuration()
        group.reactorCount = configuration.reactorCount
        group.bufferMode = configuration.buffers
        group.bufferByteCount = configuration.bufferByteCount
        group.maxConnectionCount = configuration.maxConnectionCount
        group.maxConnectionCountPerAddress = configuration.maxConnectionCountPerAddress
        group.trimSeconds = configuration.trimSeconds
        group.drainSeconds = configuration.drainSeconds
        group.openFileCount = configuration.openFileCount
        var limits: ConnectionLimits
        switch configuration.service {
        case .echo(let maxOwedByteCount):
            limits = ConnectionLimits(
                bufferByteCount: ReactorGroup.roundedBufferByteCount(configuration.bufferByteCount),
                unreadByteCount: maxOwedByteCount)
            // Until the drain ends, because clients still have to read the echoes.
            limits.lingerSeconds = nil
        case .files(let files):
            limits = ConnectionLimits()
            limits.unreadByteCount = .max
            // Requests that wait, and the two blocks of a response.
            limits.unreadBufferCount = 6
            limits.lingerSeconds = FilesConfiguration.lingerSeconds
            group.identifiesPeers = files.accessLogPath != nil
            group.deadlineGrainSeconds = files.tickSeconds
        }
        limits.idleSeconds = configuration.idleSeconds
        limits.stallSeconds = configuration.stallSeconds
        group.limits = limits
        group.onWarning = { logger.warning("\($0)") }
        group.onFailure = { index, error in
            // The process ends too: a server that ran on without a reactor would silently lose connections.
            logger.critical("reactor \(index): \(error)")
            _ = kill(getpid(), SIGTERM)
        }
        return group
    }

    private static func error(_ error: AddressError, host: String) -> ServerError {
        switch error {
        case .unknownHost(let host, let reason): .unknownHost(host, reason: reason)
        case .system(let error): .system(error)
        }
    }

    private static func fileSource(_ service: ServerConfiguration.Service) throws(ServerError) -> FileSource? {
        guard case .files(let files) = service else { return nil }
        let lister =
            files.listsDirectories
            ? DirectoryLister(showsDotfiles: files.servesDotfiles, maxEntryCount: files.maxListingEntryCount) : nil
        var accessLog: AccessLog?
        if let path = files.accessLogPath { accessLog = try AccessLog(path: path) }
        do throws(IOError) {
            return FileSource(root: try Directory(path: files.root), lister: lister, accessLog: accessLog)
        } catch {
            throw .root(files.root, errno: error.errno)
        }
    }

    /// Waits for SIGINT or SIGTERM, then drains. Cuts at a second signal. Ends every reactor.
    package func runUntilStopped(logger: Logger) throws(ServerError) -> Outcome {
        _ = Server.waitForStopSignal()
        logger.info("draining for at most \(configuration.drainSeconds) seconds")
        reactors.drain()
        // A thread that is never joined waits for the second signal, which cuts.
        let reactors = reactors
        do throws(SystemError) {
            _ = try SystemThread<Void> {
                _ = Server.waitForStopSignal()
                reactors.cut()
            }
        } catch {
            logger.warning("a second signal will have no effect: \(error)")
        }
        defer { accessLog?.close() }
        var statistics = ServerStatistics()
        statistics.buffers = configuration.buffers
        statistics.reactors = reactors.reactors.count
        do throws(ReactorError) {
            statistics.reactor = try reactors.blockUntilEnd()
        } catch {
            throw .reactor(error)
        }
        if case .files = configuration.service { statistics.files = fileStatistics.withLock { $0 } }
        // The threads are gone, and their caches with them: a buffer that is not back now never will be.
        let leaseCount = pool.leasedBufferCount
        guard leaseCount == 0 else { throw .reactor(.leaked(leaseCount: leaseCount)) }
        statistics.pool = pool.statistics()
        return Outcome(statistics: statistics)
    }

    // MARK: Signals

    private static func stopSignalSet() -> sigset_t {
        var set = sigset_t()
        unsafe sigemptyset(&set)
        unsafe sigaddset(&set, SIGINT)
        unsafe sigaddset(&set, SIGTERM)
        return set
    }

    private static func blockStopSignals() {
        var set = stopSignalSet()
        unsafe pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    private static func waitForStopSignal() -> Int32 {
        var set = stopSignalSet()
        var number: Int32 = 0
        unsafe sigwait(&set, &number)
        return number
    }

    // MARK: Memory

    /// Makes a pool with a shard per reactor. Each shard has an equal part of the memory, so that the peers of one
    /// reactor can't take the memory that another's need. The caches hold what a turn of the loop has in flight.
    private static func makePool(
        _ configuration: ServerConfiguration, reactorCount: Int
    ) throws(ReactorError) -> BufferPool {
        var shardCount = 1
        while shardCount < reactorCount { shardCount *= 2 }
        // The pool maps arenas of 2 MiB, or of one buffer.
        let bufferByteCount = ReactorGroup.roundedBufferByteCount(configuration.bufferByteCount)
        let least = reactorCount * max(2 << 20, bufferByteCount)
        if let poolByteCount = configuration.poolByteCount, poolByteCount < least {
            throw .configuration(
                "--pool-size must be at least \(least) with --reactors \(reactorCount) and buffers of \(bufferByteCount) "
                    + "bytes, not \(poolByteCount)")
        }
        // Enough for every reactor to start with, however large its buffers are.
        let ample = reactorCount * ReactorGroup.startingBufferCount * bufferByteCount
        let byteCount = configuration.poolByteCount ?? max(64 << 20, ample, ProcessBudget.memoryByteCount / 4)
        // Only the reactors' timers look for idle memory.
        return BufferPool.builder().numShards(shardCount).tlsCacheSize(128).tlsCacheByteCount(.max)
            .maxBuffersPerShard(1024).maxIdleSeconds(.infinity).maxByteCount(byteCount)
            .maxByteCountPerShard(byteCount / reactorCount).build()
    }
}

/// Why a server can't start, or had to end. The description is a sentence for its user, with the remedy if there is
/// one.
package enum ServerError: Error, CustomStringConvertible {
    /// The host is neither an address nor a known name.
    case unknownHost(String, reason: String)
    /// The root is not a directory, or can't be opened.
    case root(String, errno: Int32)
    /// The access log can't be written.
    case accessLog(String, errno: Int32)
    /// A value of the configuration is impossible.
    case configuration(String)
    /// The reactors could not start, or had to end.
    case reactor(ReactorError)
    /// A system call failed.
    case system(SystemError)

    package var description: String {
        switch self {
        case .unknownHost(let host, let reason): "cannot listen on '\(host)': \(reason)"
        case .root(let path, let errno): "cannot serve '\(path)': \(SystemError.text(errno))"
        case .accessLog(let path, let errno): "cannot write the access log '\(path)': \(SystemError.text(errno))"
        case .configuration(let text): text
        case .reactor(.portInUse(let address)): "\(address) is in use by another program; choose another --port"
        case .reactor(.leaked(let leaseCount)): "a bug: \(leaseCount) buffers did not come back to the pool"
        case .reactor(let error): "\(error)"
        case .system(let error): "\(error)"
        }
    }
}

/// A server's statistics. The JSON is flat: the names of the reactors' statistics stand beside the names here.
package struct ServerStatistics: Sendable, Codable {
    package var buffers = BufferMode.registered
    package var reactors = 0
    /// The sum of the reactors' statistics.
    package var reactor = ReactorStatistics()
    /// The pool's statistics at the end of service, by size class and in total.
    package var pool = BufferPool.Statistics()
    /// The file server's statistics.
    package var files: FileStatistics?

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case buffers
        case reactors
        case pool
        case files
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        buffers = try container.decode(BufferMode.self, forKey: .buffers)
        reactors = try container.decode(Int.self, forKey: .reactors)
        pool = try container.decode(BufferPool.Statistics.self, forKey: .pool)
        files = try container.decodeIfPresent(FileStatistics.self, forKey: .files)
        reactor = try ReactorStatistics(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try reactor.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(buffers, forKey: .buffers)
        try container.encode(reactors, forKey: .reactors)
        try container.encode(pool, forKey: .pool)
        try container.encodeIfPresent(files, forKey: .files)
    }
}
