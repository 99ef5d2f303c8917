import Glibc
package import Logging
import Synchronization
import ZeroPool
import ZeroPoolURing

/// A server: reactors on threads of their own, from the first listen to the last return.
package final class Server: Sendable {
    /// How a server ended.
    package struct Outcome: Sendable {
        /// What it did.
        package var statistics: ServerStatistics
        /// Whether everything that the server owed when it was stopped was sent.
        package var isComplete: Bool { statistics.connections.cut == 0 }
    }

    private typealias ReactorResult = Swift.Result<ServerStatistics, ServerError>

    private let configuration: ServerConfiguration
    private let pool: BufferPool
    private let threads: [ServerThread<ReactorResult>]
    private let stopSignals: [StopSignal]
    private let accessLog: AccessLog?
    /// Where it listens, as a client would write it.
    package let name: String

    // MARK: Life

    /// Listens, starts the reactors, and returns when all of them serve.
    ///
    /// SIGINT and SIGTERM are blocked in the calling thread, and so in all that it starts: `runUntilStopped` takes them.
    /// SIGPIPE is ignored, since a fixed write to a closed connection raises it. Throws a sentence for the user.
    package init(_ configuration: ServerConfiguration, logger: Logger) throws(ServerError) {
        self.configuration = configuration
        Server.blockStopSignals()
        let files = try Server.fileSource(configuration.service)
        let descriptors = try DescriptorBudget.plan(
            maxConnectionCount: configuration.maxConnectionCount, reactorCount: configuration.reactorCount,
            openFileCount: configuration.openFileCount)
        let reactorCount = descriptors.reactorCount
        if descriptors.connectionCount < configuration.maxConnectionCount {
            logger.warning(
                "the descriptor limit allows \(descriptors.connectionCount) connections; raise it with ulimit -n")
        }
        let (listeners, address) = try Listener.open(
            host: configuration.host, port: configuration.port, count: reactorCount)
        name = address.description
        accessLog = files?.accessLog
        pool = try Server.makePool(configuration, reactorCount: reactorCount)
        let setup = KernelRing.Setup(
            mode: configuration.buffers, pool: pool, queues: QueueBudget.plan(reactorCount: reactorCount),
            bufferByteCount: Server.bufferByteCount(configuration),
            fileSlotCount: descriptors.fileSlotCount,
            zeroCopyPeers: configuration.buffers == .registered ? ZeroCopyPeers(of: address) : .none,
            files: files, openFileCount: descriptors.openFileCount / reactorCount,
            keptByteCount: configuration.keptByteCount / reactorCount,
            onDegradation: { logger.warning("\($0)") })
        let admission = Admission(
            maxConnectionCount: descriptors.connectionCount,
            maxConnectionCountPerAddress: configuration.maxConnectionCountPerAddress,
            asksForAddresses: files?.accessLog != nil)
        let processors = ProcessBudget.allowedProcessors
        let ready = StartGate(count: reactorCount)
        var threads: [ServerThread<ReactorResult>] = []
        var stopSignals: [StopSignal] = []
        var failure: ServerError?
        do throws(ServerError) {
            for (shard, listener) in listeners.enumerated() {
                let stopSignal = try StopSignal()
                let pool = pool
                threads.append(
                    try ServerThread<ReactorResult> {
                        // One reactor a processor; with more reactors than processors they share.
                        if processors.count > 1 {
                            _ = ProcessBudget.pinCurrentThread(toProcessor: processors[shard % processors.count])
                        }
                        pool.bindCurrentThread(toShard: shard)
                        return Server.serve(
                            setup, shard: shard, listener: listener, stopSignal: stopSignal,
                            admission: admission, configuration: configuration, ready: ready, logger: logger)
                    })
                stopSignals.append(stopSignal)
            }
            failure = ready.wait()
        } catch {
            failure = error
        }
        self.threads = threads
        self.stopSignals = stopSignals
        if let failure {
            for stopSignal in stopSignals { stopSignal.raise() }
            for thread in threads { _ = thread.join() }
            throw failure
        }
    }

    /// A reactor's thread, from ring to last return.
    private static func serve(
        _ setup: KernelRing.Setup, shard: Int, listener: Listener, stopSignal: StopSignal,
        admission: Admission, configuration: ServerConfiguration, ready: StartGate, logger: Logger
    ) -> ReactorResult {
        let ring: KernelRing
        do throws(RingError) {
            ring = try KernelRing(setup, shard: shard, listener: listener, stopSignal: stopSignal)
        } catch {
            ready.fail(.ring(error))
            return .failure(.ring(error))
        }
        guard !admission.asksForAddresses || ring.canIdentify else {
            let error = ServerError.configuration(
                "--max-connections-per-address and --access-log need Linux 6.8 or newer")
            ready.fail(error)
            return .failure(error)
        }
        ready.pass()
        do throws(ServerError) {
            var statistics = try serve(configuration, on: ring, setup, admission)
            ring.report(into: &statistics)
            return .success(statistics)
        } catch {
            // The process ends with it: a server that runs on half alive loses connections silently.
            listener.stopListening()
            logger.critical("reactor \(shard): \(error)")
            _ = kill(getpid(), SIGTERM)
            return .failure(error)
        }
    }

    private static func serve(
        _ configuration: ServerConfiguration, on ring: KernelRing, _ setup: KernelRing.Setup, _ admission: Admission
    ) throws(ServerError) -> ServerStatistics {
        switch configuration.service {
        case .echo(let echo):
            let limits = EchoConnection.Limits(
                bufferByteCount: setup.bufferByteCount, owedByteCount: echo.maxOwedByteCount)
            let reactor = Reactor(
                ring: ring, service: EchoService(), slotCount: setup.fileSlotCount, admission: admission,
                limits: reactorLimits(limits, configuration))
            try reactor.run()
            try requireEmpty(ring, leaseCount: reactor.queuedLeaseCount)
            return unsafe reactor.statistics
        case .files(let files):
            let service = FileService<KernelRing>(
                files.service(openFileCount: setup.openFileCount, keptByteCount: setup.keptByteCount),
                slotCount: setup.fileSlotCount,
                accessLog: setup.files?.accessLog)
            let reactor = Reactor(
                ring: ring, service: service, slotCount: setup.fileSlotCount, admission: admission,
                limits: reactorLimits(FileConnection.Limits(), configuration))
            try reactor.run()
            try requireEmpty(ring, leaseCount: reactor.queuedLeaseCount + service.leaseCount)
            var statistics = unsafe reactor.statistics
            statistics.files = unsafe service.statistics
            return statistics
        }
    }

    private static func reactorLimits<Connection>(
        _ connection: Connection, _ configuration: ServerConfiguration
    ) -> ReactorLimits<Connection> {
        ReactorLimits(
            connection: connection, idleSeconds: configuration.idleSeconds, stallSeconds: configuration.stallSeconds,
            trimSeconds: configuration.trimSeconds, drainSeconds: configuration.drainSeconds)
    }

    /// Of a ring that is closed nothing is left, or there is a bug.
    private static func requireEmpty(_ ring: KernelRing, leaseCount: Int) throws(ServerError) {
        let leftover = ring.leftover
        guard leftover == (0, 0), leaseCount == 0 else {
            throw .ringNotEmpty(
                registeredByteCount: leftover.registeredByteCount, leaseCount: leftover.inFlightCount + leaseCount)
        }
    }

    private static func fileSource(_ service: ServerConfiguration.Service) throws(ServerError) -> FileSource? {
        guard case .files(let files) = service else { return nil }
        let lister =
            files.listsDirectories
            ? try DirectoryLister(showsDotfiles: files.servesDotfiles, maxEntryCount: files.maxListingEntryCount)
            : nil
        var accessLog: AccessLog?
        if let path = files.accessLogPath { accessLog = try AccessLog(path: path) }
        return FileSource(root: try RootDirectory(path: files.root), lister: lister, accessLog: accessLog)
    }

    /// Waits for SIGINT or SIGTERM; then drains, at a second signal cuts, and ends every reactor.
    package func runUntilStopped(logger: Logger) throws(ServerError) -> Outcome {
        _ = Server.waitForStopSignal()
        logger.info("draining for at most \(configuration.drainSeconds) seconds")
        for stopSignal in stopSignals { stopSignal.raise() }
        let stopSignals = stopSignals
        // A second signal cuts: taken by a thread that nobody waits for.
        do throws(ServerError) {
            _ = try ServerThread<Void> {
                _ = Server.waitForStopSignal()
                for stopSignal in stopSignals { stopSignal.raise() }
            }
        } catch {
            logger.warning("a second signal will not be heard: \(error)")
        }
        var statistics = ServerStatistics()
        statistics.buffers = configuration.buffers
        statistics.reactors = threads.count
        var failure: ServerError?
        for thread in threads {
            switch thread.join() {
            case .success(let part): statistics.add(part)
            case .failure(let error): failure = failure ?? error
            }
        }
        accessLog?.close()
        if let failure { throw failure }
        // Their threads are gone, and with them their caches: what is not back now will never be.
        let leaseCount = pool.leasedBufferCount
        guard leaseCount == 0 else { throw .leaked(leaseCount: leaseCount) }
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
        _ = signal(SIGPIPE, SIG_IGN)
    }

    private static func waitForStopSignal() -> Int32 {
        var set = stopSignalSet()
        var number: Int32 = 0
        unsafe sigwait(&set, &number)
        return number
    }

    // MARK: Sizes

    /// As the pool and `malloc` mode have them: a power of two from 4 KiB.
    private static func bufferByteCount(_ configuration: ServerConfiguration) -> Int {
        var byteCount = 4096
        while byteCount < configuration.bufferByteCount { byteCount *= 2 }
        return byteCount
    }

    /// A shard a reactor with an equal part of the memory, so that the peers of one can't take what those of another need;
    /// and caches that take what a turn of the loop has in flight.
    private static func makePool(_ configuration: ServerConfiguration, reactorCount: Int) throws(ServerError)
        -> BufferPool
    {
        var shardCount = 1
        while shardCount < reactorCount { shardCount *= 2 }
        // The pool maps arenas of 2 MiB, or of one buffer.
        let bufferByteCount = bufferByteCount(configuration)
        let least = reactorCount * max(2 << 20, bufferByteCount)
        if let poolByteCount = configuration.poolByteCount, poolByteCount < least {
            throw .configuration(
                "--pool-bytes is at least \(least) with --reactors \(reactorCount) and buffers of \(bufferByteCount) bytes, not "
                    + "\(poolByteCount)")
        }
        // By default enough for every reactor to start with, however large the buffers.
        let ample = 2 * reactorCount * BufferDemand.minimum * bufferByteCount
        let byteCount = configuration.poolByteCount ?? max(64 << 20, ample, ProcessBudget.memoryByteCount / 4)
        // The reactors' timers look for idle memory, and nobody else.
        return BufferPool.builder().numShards(shardCount).tlsCacheSize(128).tlsCacheByteCount(.max).maxBuffersPerShard(
            1024
        )
        .maxIdleSeconds(.infinity).maxByteCount(byteCount).maxByteCountPerShard(byteCount / reactorCount).build()
    }
}
