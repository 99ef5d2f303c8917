internal import CZeroPool
internal import Glibc
public import SystemSupport
public import ZeroPool
internal import ZeroPoolURing

/// The source of a group's buffers.
public enum BufferMode: String, Sendable, CaseIterable, Codable {
    /// From the pool, whose arenas are registered with the ring as far as the limit on locked memory allows.
    case registered
    /// From the pool, without registration.
    case pooled
    /// From `malloc`, each buffer allocated for its use and freed after it. For comparisons.
    case malloc
}

/// Reactors on their own threads, by default one per processor. Each has a ring, a listener and a shard of the pool.
///
/// ```swift
/// let reactors = try ReactorGroup(pool: BufferPool())
/// try await reactors.serve(at: SocketAddress(resolving: "127.0.0.1", port: 7777)) { connection in
///     while let buffer = try await connection.receive() {
///         try await connection.send(buffer)
///     }
/// }
/// ```
///
/// A group serves one address, once. It ends with ``drain(for:)``, or when the task that serves is cancelled. Any
/// thread may use it.
public final class ReactorGroup: Sendable {
    /// The configuration of a group.
    public struct Configuration: Sendable {
        /// The number of threads, each with a ring: 1 to 128; nil for one per processor that the process may use.
        public var reactorCount: Int?
        /// The source of buffers.
        public var bufferMode = BufferMode.registered
        /// Bytes per receive at most; rounded up to a power of two, at least 4,096.
        public var bufferByteCount = 65_536
        /// Limits per connection; nil for the defaults with this buffer size.
        public var limits: ConnectionLimits?
        /// Connections at once, of all reactors. Further ones are refused.
        public var maxConnectionCount = 16_384
        /// Connections at once from one address (IPv6: one /64 network); nil for no limit. Needs Linux 6.8.
        public var maxConnectionCountPerAddress: Int?
        /// Whether connections have a ``Connection/peerAddress``. Needs Linux 6.8. Cost: the work of three system calls
        /// per connection.
        public var identifiesPeers = false
        /// Give memory back to the system after this many seconds without use; 0 for never.
        public var trimSeconds = 2.0
        /// Seconds that a drain waits for peers by default.
        public var drainSeconds = 5.0
        /// The grain of ``Reactor/deadline(after:)``, in seconds. More than 0.
        public var deadlineGrainSeconds = 0.1
        /// Whether each thread stays on one processor.
        public var pinsThreads = true
        /// Files that should stay open without a connection, for the plan of descriptors.
        package var openFileCount = 0
        /// Called with a sentence when something works less well than it could, such as unregistered memory. Any
        /// thread.
        public var onWarning: @Sendable (String) -> Void = { _ in }
        /// Called when a reactor fails, with its number and the error. The others run until they are drained. Any
        /// thread.
        public var onFailure: @Sendable (Int, ReactorError) -> Void = { _, _ in }

        /// The defaults.
        public init() {}

        /// How many reactors there will be.
        package func plannedReactorCount() throws(ReactorError) -> Int { try plan().reactorCount }

        func plan() throws(ReactorError) -> DescriptorBudget.Plan {
            try DescriptorBudget.plan(
                maxConnectionCount: maxConnectionCount, reactorCount: reactorCount, openFileCount: openFileCount)
        }
    }

    /// Buffers that a reactor may need to start with.
    package static let startingBufferCount = 2 * BufferDemand.minimum

    /// The result of a reactor's thread.
    private typealias Ending = Result<ReactorStatistics, ReactorError>

    private struct Member: Sendable {
        let reactor: Reactor
        let thread: SystemThread<Ending>
    }

    /// The progress of the threads.
    private struct Progress {
        var runningCount = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
        var isServing = false
        var outcome: Ending?
    }

    private let members: [Member]
    private let pool: BufferPool
    private let configuration: Configuration
    private let admission: Admission
    private let progress: Monitor<Progress>
    /// The reactors run when it opens.
    private let gate: Monitor<Bool>
    /// Connections and open files that the limit on descriptors allows.
    package let connectionCount: Int
    package let openFileCount: Int

    // MARK: Life

    /// Starts the reactors, and returns when all of them run. Blocks for some milliseconds.
    ///
    /// Ignores `SIGPIPE` in the process, because a fixed write to a closed connection raises it. Raises the soft limit
    /// on descriptors if `maxConnectionCount` needs that.
    public convenience init(pool: BufferPool, configuration: Configuration = Configuration()) throws(ReactorError) {
        try self.init(holding: pool, configuration: configuration)
        gate.withLock { $0 = true }
    }

    /// The same, but the reactors begin to run with `start`.
    package init(holding pool: BufferPool, configuration: Configuration) throws(ReactorError) {
        _ = signal(SIGPIPE, SIG_IGN)
        let plan = try configuration.plan()
        if plan.connectionCount < configuration.maxConnectionCount {
            configuration.onWarning(
                "the descriptor limit allows \(plan.connectionCount) connections; raise it with ulimit -n")
        }
        self.pool = pool
        self.configuration = configuration
        connectionCount = plan.connectionCount
        openFileCount = plan.openFileCount
        admission = Admission(
            maxConnectionCount: plan.connectionCount,
            maxConnectionCountPerAddress: configuration.maxConnectionCountPerAddress,
            asksForAddresses: configuration.identifiesPeers)
        progress = Monitor(Progress())
        gate = Monitor(false)
        let start = Start(configuration, plan, pool, admission, progress, gate)
        members = try start.members()
    }

    /// The reactors, to run tasks on or to connect from.
    public var reactors: [Reactor] { members.map(\.reactor) }

    /// A group that was never drained is cut; its threads end when their tasks do.
    deinit {
        for reactor in reactors {
            reactor.post {
                $0.end(); $0.cutAll()
            }
        }
    }

    /// What the threads need to start.
    private struct Start {
        let configuration: Configuration
        let plan: DescriptorBudget.Plan
        let pool: BufferPool
        let admission: Admission
        let progress: Monitor<Progress>
        let gate: Monitor<Bool>
        let setup: KernelRing.Setup

        init(
            _ configuration: Configuration, _ plan: DescriptorBudget.Plan, _ pool: BufferPool, _ admission: Admission,
            _ progress: Monitor<Progress>, _ gate: Monitor<Bool>
        ) {
            self.gate = gate
            self.configuration = configuration
            self.plan = plan
            self.pool = pool
            self.admission = admission
            self.progress = progress
            setup = KernelRing.Setup(
                mode: configuration.bufferMode, pool: pool, queues: QueueBudget.plan(reactorCount: plan.reactorCount),
                bufferByteCount: ReactorGroup.roundedBufferByteCount(configuration.bufferByteCount),
                fileSlotCount: plan.fileSlotCount, onDegradation: configuration.onWarning)
        }

        func members() throws(ReactorError) -> [Member] {
            let reactorCount = plan.reactorCount
            let started = Monitor<[Int: Result<Reactor, ReactorError>]>([:])
            var threads: [SystemThread<Ending>] = []
            var failure: ReactorError?
            for index in 0..<reactorCount {
                progress.withLock { $0.runningCount += 1 }
                do throws(SystemError) {
                    threads.append(try SystemThread<Ending> { run(index, started) })
                } catch {
                    progress.withLock { $0.runningCount -= 1 }
                    failure = .system(error.attempt, errno: error.errno)
                    break
                }
            }
            let threadCount = threads.count
            let results = started.wait { $0.count == threadCount ? $0 : nil }
            var reactors: [Reactor] = []
            for index in 0..<threadCount {
                switch results[index] {
                case .success(let reactor): reactors.append(reactor)
                case .failure(let error): failure = failure ?? error
                case nil: break
                }
            }
            if let failure {
                for reactor in reactors { reactor.post { $0.end() } }
                gate.withLock { $0 = true }
                for thread in threads { _ = thread.join() }
                throw failure
            }
            return zip(reactors, threads).map { Member(reactor: $0, thread: $1) }
        }

        /// The body of a reactor's thread.
        private func run(_ index: Int, _ started: Monitor<[Int: Result<Reactor, ReactorError>]>) -> Ending {
            let processors = ProcessBudget.allowedProcessors
            // If there are more reactors than processors, they share processors.
            if configuration.pinsThreads, processors.count > 1 {
                _ = ProcessBudget.pinCurrentThread(toProcessor: processors[index % processors.count])
            }
            let shard = index % pool.shardCount
            pool.bindCurrentThread(toShard: shard)
            let ending = serve(index, shard, started)
            if case .failure(let error) = ending { configuration.onFailure(index, error) }
            let waiters = progress.withLock { progress in
                progress.runningCount -= 1
                defer { if progress.runningCount == 0 { progress.waiters = [] } }
                return progress.runningCount == 0 ? progress.waiters : []
            }
            for waiter in waiters { waiter.resume() }
            return ending
        }

        private func serve(
            _ index: Int, _ shard: Int, _ started: Monitor<[Int: Result<Reactor, ReactorError>]>
        ) -> Ending {
            // Declared here, so that it ends after the reactor has released it.
            let ring: KernelRing
            let reactor: Reactor
            do throws(ReactorError) {
                let bell = try EventBell()
                do throws(RingError) {
                    ring = try KernelRing(setup, shard: shard, bell: bell)
                } catch {
                    throw .ring(error)
                }
                guard !admission.asksForAddresses || ring.canIdentify else {
                    throw .configuration("peers' addresses need Linux 6.8 or newer")
                }
                reactor = Reactor(
                    ring: ring, pool: pool, bell: bell, index: index, slotCount: setup.fileSlotCount,
                    admission: admission, limits: limits)
            } catch {
                started.withLock { $0[index] = .failure(error) }
                return .failure(error)
            }
            started.withLock { $0[index] = .success(reactor) }
            gate.wait { $0 ? () : nil }
            do throws(ReactorError) {
                try reactor.run()
                let leftover = ring.leftover
                let leaseCount = leftover.inFlightCount + reactor.queuedLeaseCount
                guard leftover.registeredByteCount == 0, leaseCount == 0 else {
                    throw .ringNotEmpty(registeredByteCount: leftover.registeredByteCount, leaseCount: leaseCount)
                }
                var statistics = reactor.statistics
                ring.report(into: &statistics)
                return .success(statistics)
            } catch {
                return .failure(error)
            }
        }

        private var limits: ReactorLimits {
            ReactorLimits(
                connection: configuration.limits ?? ConnectionLimits(bufferByteCount: setup.bufferByteCount),
                trimSeconds: configuration.trimSeconds, drainSeconds: configuration.drainSeconds,
                deadlineGrainSeconds: configuration.deadlineGrainSeconds)
        }
    }

    /// The buffer size that the pool and `malloc` mode use: a power of two, at least 4 KiB.
    package static func roundedBufferByteCount(_ byteCount: Int) -> Int {
        var rounded = 4096
        while rounded < byteCount { rounded *= 2 }
        return rounded
    }

    // MARK: Serving

    /// Listens at an address, without accepting yet. Port 0 lets the system pick a port: see ``Listener/address``.
    public func listen(at address: SocketAddress) throws(ReactorError) -> Listener {
        try Listener(at: address, count: members.count)
    }

    /// Serves connections at `address` until the group is drained. See ``serve(_:handler:)``.
    public func serve(at address: SocketAddress, handler: @escaping Reactor.Handler) async throws(ReactorError) {
        try await serve(try listen(at: address), handler: handler)
    }

    /// Serves the connections of `listener` until the group is drained. Calls `handler` once per connection, on one of
    /// the reactors.
    ///
    /// A handler that throws ends its connection, with a reset if bytes are lost. Cancelling the waiting task drains
    /// the group. Throws when a reactor fails. Traps when the group already serves.
    public func serve(_ listener: Listener, handler: @escaping Reactor.Handler) async throws(ReactorError) {
        start(listener) { _ in handler }
        _ = try await waitForEnd()
    }

    /// Begins to serve; a group that was held starts to run. `makeHandler` is called on each reactor's thread, and
    /// its handler serves there.
    package func start(
        _ listener: Listener, _ makeHandler: @escaping @Sendable (Reactor) -> Reactor.Handler
    ) {
        let wasServing = progress.withLock { progress in
            defer { progress.isServing = true }
            return progress.isServing
        }
        precondition(!wasServing, "a group serves one address")
        let peers = ZeroCopyPeers(of: listener.address)
        for (member, socket) in zip(members, listener.sockets) {
            member.reactor.post { reactor in
                guard let ring = reactor.ring as? KernelRing else {
                    preconditionFailure("a group's rings are the kernel's")
                }
                ring.listen(on: socket, zeroCopyPeers: peers)
                reactor.serve(makeHandler(reactor))
            }
        }
        gate.withLock { $0 = true }
    }

    // MARK: Ending

    /// Stops accepting, lets handlers finish what was received, and cuts the remaining connections after `duration`.
    ///
    /// Returns at once. A second call has no effect. Afterwards the group ends, and ``serve(_:handler:)`` returns.
    public func drain(for duration: Duration? = nil) {
        let seconds = duration.map { Double($0.components.seconds) + Double($0.components.attoseconds) * 1e-18 }
        for reactor in reactors {
            reactor.post { reactor in
                reactor.drain(seconds: seconds)
                reactor.end()
            }
        }
    }

    /// Ends a drain at once: connections with bytes unsent or unread are reset.
    public func cut() {
        for reactor in reactors {
            reactor.post { reactor in
                reactor.end()
                reactor.cutAll()
            }
        }
    }

    /// Waits until the group has ended after ``drain(for:)``, and returns its statistics. Cancelling the waiting task
    /// drains the group.
    ///
    /// Throws when a reactor has failed, and when buffers did not come back to the pool.
    @discardableResult
    public func waitForEnd() async throws(ReactorError) -> ReactorStatistics {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = progress.withLock { progress in
                    guard progress.runningCount > 0 else { return true }
                    progress.waiters.append(continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            drain()
        }
        return try joined()
    }

    /// The same, blocking.
    package func blockUntilEnd() throws(ReactorError) -> ReactorStatistics {
        progress.wait { $0.runningCount == 0 ? () : nil }
        return try joined()
    }

    private func joined() throws(ReactorError) -> ReactorStatistics {
        try progress.withLock { progress -> Ending in
            if let outcome = progress.outcome { return outcome }
            var statistics = ReactorStatistics()
            var failure: ReactorError?
            for member in members {
                switch member.thread.join() {
                case .success(let part): statistics.add(part)
                case .failure(let error): failure = failure ?? error
                }
            }
            let outcome: Ending = failure.map { .failure($0) } ?? .success(statistics)
            progress.outcome = outcome
            return outcome
        }.get()
    }
}
