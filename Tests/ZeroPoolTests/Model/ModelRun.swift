import Synchronization
import TestSupport
@testable import ZeroPool

/// One run: what a seed says, done to real pools by real threads, one step at a time, with a plain model that says after each
/// what must hold.
///
/// All that is random comes from the seed, and no choice depends on an address, so a seed replays. (But for the pools' slots,
/// which other tests of the process may take at the same time.)
final class ModelRun {
    let plan: ModelPlan
    let trace: ModelTrace
    let clock = HandClock(tick: 1000)
    var random: SeededGenerator
    private(set) var workers: [Worker] = []
    private var workerCount = 0
    /// All there ever were.
    private(set) var pools: [ModelledPool] = []
    private var leaseCount = 0
    /// Whether debugging pools may close with leases out, which they report to standard error.
    private let isLoud: Bool
    private let mayDebug: Bool

    /// - Parameter mayDebug: whether debugging pools may be among the pools, which keep some memory to the process's end.
    init(seed: UInt64, isPrinted: Bool = false, mayDebug: Bool = true) {
        self.mayDebug = mayDebug
        random = SeededGenerator(seed: seed)
        plan = ModelPlan(seed: seed, &random)
        isLoud = random.chance(0.02)
        trace = ModelTrace(seed: seed, isPrinted: isPrinted)
    }

    /// - Returns: the rule that was broken, if one was.
    func run() -> String? {
        CrashReport.begin(trace, isThreaded: true)
        defer { CrashReport.end() }
        for _ in 0..<plan.poolCount { openPool() }
        for _ in 0..<plan.threadCount { startThread() }
        while trace.step < plan.stepCount, trace.violation == nil {
            trace.step += 1
            perform(random.weighted(plan.weights))
            // A replay looks each time, to find the step.
            if trace.isPrinted || trace.step % plan.auditInterval == 0 { audit() }
        }
        audit()
        end()
        return trace.violation
    }

    var leases: [ModelledLease] { pools.flatMap(\.leases) }

    /// The pools that can be asked for something.
    var openPools: [ModelledPool] { pools.filter { !$0.isAbandoned } }

    func nextLeaseNumber() -> Int {
        leaseCount += 1
        return leaseCount
    }

    /// Whether the pool may be closed now.
    func mayClose(_ pool: ModelledPool) -> Bool { isLoud || !pool.configuration.debugging || pool.leases.isEmpty }

    func audit() { for pool in pools where trace.violation == nil { pool.audit() } }

    // MARK: Pools and threads

    func openPool() {
        let configuration = BufferPool.Configuration.random(&random, mayDebug: mayDebug)
        if trace.isPrinted { print("pool \(pools.count): \(configuration)") }
        let pool = BufferPool(configuration, clock: .byHand(clock))
        pools.append(ModelledPool(number: pools.count, pool, trace))
    }

    func startThread() {
        workers.append(Worker(number: workerCount))
        workerCount += 1
    }

    func endThread(_ worker: Worker) {
        for pool in pools {
            for observer in pool.observers where observer.thread == worker.number { endObserver(observer, of: pool) }
        }
        worker.end()
        workers.removeAll { $0 === worker }
        for pool in pools {
            let cacheCount = PoolPicture(pool.core!).cacheCount
            pool.require(cacheCount <= workers.count, "a thread's cache ends with it", cacheCount)
        }
    }

    func endObserver(_ observer: ModelledObserver, of pool: ModelledPool) {
        trace.note("ends an observer", pool: pool.number, thread: observer.thread, observer.shard)
        workers.first { $0.number == observer.thread }!.run { observer.end() }
        pool.observers.removeAll { $0 === observer }
    }

    func endLease(_ lease: ModelledLease, of pool: ModelledPool, on worker: Worker) {
        trace.note("ends a lease", pool: pool.number, thread: worker.number, lease.number)
        pool.require(lease.isIntact, "nobody writes to a lease but its tenant", lease.number)
        pool.noteEnd(lease)
        let idleCount = pool.core!.idleBufferCount
        let isDetached = lease.isDetached
        worker.run { lease.end() }
        pool.require(
            !isDetached || pool.core!.idleBufferCount == idleCount, "what was detached is handed out to nobody again",
            lease.number)
    }

    // MARK: The end

    /// Ends all there is, in any order, the threads last; then nothing may be left of any pool.
    private func end() {
        trace.step += 1
        var endings: [(pool: ModelledPool, end: (Worker) -> Void)] = []
        for pool in pools {
            endings += pool.leases.map { lease in (pool, { self.endLease(lease, of: pool, on: $0) }) }
            endings += pool.observers.map { observer in (pool, { _ in self.endObserver(observer, of: pool) }) }
        }
        endings.shuffle(using: &random)
        var owners: [(pool: ModelledPool, end: (Worker) -> Void)] = []
        for pool in openPools {
            let own: [Int?] = pool.pool == nil ? [] : [nil]
            owners += (own + pool.handles.keys.sorted()).map { size in
                (pool, { self.endOwner(size, of: pool, on: $0) })
            }
        }
        for owner in owners.shuffled(using: &random) {
            let isAnywhere = isLoud || !owner.pool.configuration.debugging
            endings.insert(owner, at: isAnywhere ? random.integer(0, endings.count) : endings.count)
        }
        for ending in endings {
            ending.end(random.element(workers))
            if trace.violation == nil { ending.pool.audit() }
        }
        for worker in workers { endThread(worker) }
        for pool in pools { pool.checkEnd() }
    }

    func endOwner(_ byteCount: Int?, of pool: ModelledPool, on worker: Worker) {
        trace.note("ends an owner", pool: pool.number, thread: worker.number, byteCount ?? 0)
        worker.run { pool.endOwner(byteCount) }
    }
}

extension ModelledPool {
    /// After all leases, observers, owners and threads have ended: nothing is left.
    func checkEnd() {
        guard trace.violation == nil else { return }
        audit()
        let mappedByteCount = core!.mappedByteCount.load(ordering: .relaxed)
        require(mappedByteCount == 0, "in the end all memory is back", mappedByteCount)
        let (hasCache, isSlotTaken) = core!.register.withLock { ($0.first != nil, $0.isSlotTaken) }
        require(!hasCache && !isSlotTaken, "in the end there is no cache, and the slot is free")
        require(letGo(), "in the end nothing keeps the pool's inside")
    }
}

/// What the steps do.
extension ModelRun {
    func perform(_ step: ModelStep) {
        guard let pool = openPools.randomElement(using: &random) else { return openPool() }
        let worker = random.element(workers)
        trace.note(step.name, pool: pool.number, thread: worker.number)
        switch step {
        case .get, .tryGet, .getZeroed, .getByHandle:
            let byteCount = pool.configuration.randomByteCount(&random)
            get(step, pool, worker, step == .getZeroed ? min(byteCount, 1 << 20) : byteCount)
        case .burst: burst(pool, worker)
        case .giveBack: withLease { lease, pool in endLease(lease, of: pool, on: worker) }
        case .detach: withLease { lease, _ in worker.run { lease.detach() } }
        case .pass: withLease { lease, _ in worker.run { lease.pass() } }
        case .verify:
            withLease { lease, pool in
                pool.require(lease.isIntact, "nobody writes to a lease but its tenant", lease.number)
            }
        case .comeBy: comeBy(pool, worker)
        case .bind:
            let shard = random.integer(0, pool.configuration.numShards - 1)
            worker.run { pool.owned.bindCurrentThread(toShard: shard) }
            pool.noteBound(thread: worker.number, toShard: shard)
        case .trim: worker.run { pool.trim() }
        case .trimOlder:
            let seconds = random.element([0, 0.05, 1, 20, .infinity])
            worker.run { pool.trim(olderThanSeconds: seconds) }
        case .clear: worker.run { pool.clear() }
        case .shrink:
            let byteCount = random.integer(0, pool.core!.statistics().idleByteCount)
            worker.run { pool.shrink(toIdleByteCount: byteCount) }
        case .preallocate:
            let byteCount = random.integer(0, 1 << random.integer(12, 22))
            // It touches all of it.
            let count = pool.configuration.classByteCount(for: byteCount) > 4 << 20 ? 0 : random.integer(0, 6)
            worker.run { pool.preallocate(count: count, byteCount: byteCount) }
        case .wait: clock.advance(seconds: random.element([0.02, 0.1, 3, 30]))
        case .comeByLater: worker.run { pool.comeByLater(clock) }
        case .observe:
            guard pool.observers.count < 4 else { return }
            let anyShard = random.integer(0, pool.configuration.numShards - 1)
            let isOwn = random.chance(0.5)
            let observer = worker.run {
                let shard = isOwn ? pool.shardOfCallingThread : anyShard
                return ModelledObserver(pool, shard: shard, thread: worker.number)
            }
            pool.observers.append(observer)
            poll(observer, of: pool)
        case .poll: if let observer = pool.observers.randomElement(using: &random) { poll(observer, of: pool) }
        case .endObserver:
            if let observer = pool.observers.randomElement(using: &random) { endObserver(observer, of: pool) }
        case .endThread:
            endThread(worker)
            startThread()
        case .openPool: if openPools.count < 4 { openPool() }
        case .close: if mayClose(pool) { worker.run { pool.close() } }
        case .endHandle: endAnOwner(pool, worker)
        case .replacePool: if mayClose(pool) { replace(pool, worker) }
        }
    }

    /// Does something to some lease, of whatever pool.
    private func withLease(_ body: (ModelledLease, ModelledPool) -> Void) {
        let candidates = pools.filter { !$0.leases.isEmpty }
        guard let pool = candidates.randomElement(using: &random) else { return }
        body(random.element(pool.leases), pool)
    }

    // MARK: Gets

    private func get(_ step: ModelStep, _ pool: ModelledPool, _ worker: Worker, _ byteCount: Int) {
        if leases.count >= plan.leaseCount { withLease { lease, pool in endLease(lease, of: pool, on: worker) } }
        var byteCount = byteCount
        // A pool has a few handles, which are used again.
        if step == .getByHandle, pool.handles.count >= 3 { byteCount = random.element(pool.handles.keys.sorted()) }
        let lease = worker.run { served(step, pool, byteCount) }
        trace.note(lease == nil ? "has nothing for" : "serves", pool: pool.number, thread: worker.number, byteCount)
        guard let lease else { return pool.noteRefused(byteCount) }
        pool.require(!leases.contains { $0.range.overlaps(lease.range) }, "what is leased is leased once", lease.number)
        pool.noteServed(lease, thread: worker.number)
    }

    /// The lease that a get brings, on the calling thread, with its tenant's words in it.
    private func served(_ step: ModelStep, _ pool: ModelledPool, _ byteCount: Int) -> ModelledLease? {
        let mayHaveNothing = pool.mayHaveNothing(for: byteCount)
        var buffer: PooledBuffer?
        switch step {
        case .getZeroed: buffer = pool.owned.get(zeroed: byteCount)
        case .tryGet: buffer = pool.owned.tryGet(byteCount)
        case .getByHandle:
            let handle = pool.handle(byteCount)
            buffer = byteCount % 2 == 0 ? handle.handle.tryGet() : handle.handle.get()
        default: buffer = pool.owned.get(byteCount)
        }
        guard let buffer = buffer.take() else {
            pool.require(mayHaveNothing, "tryGet is nil only where nothing could be served", byteCount)
            return nil
        }
        let lease = ModelledLease(
            buffer, number: nextLeaseNumber(), askedClassByteCount: pool.configuration.classByteCount(for: byteCount))
        pool.require(
            mayHaveNothing || !lease.isTransient, "memory is transient only where nothing could be served", byteCount)
        pool.checkServed(lease, asked: byteCount, isZeroed: step == .getZeroed)
        lease.write()
        return lease
    }

    private func burst(_ pool: ModelledPool, _ worker: Worker) {
        let byteCount = 1 << random.integer(12, 16)
        let before = pool.leases.count
        for _ in 0..<random.element([2, 6, 20, 40]) where pool.leases.count < before + plan.leaseCount {
            get(.get, pool, worker, byteCount)
        }
        let other = random.element(workers)
        for lease in pool.leases.dropFirst(before) { endLease(lease, of: pool, on: other) }
    }

    // MARK: Others

    /// By which a thread also lets go of what it has of closed pools.
    private func comeBy(_ pool: ModelledPool, _ worker: Worker) {
        worker.run {
            pool.comeBy()
            for pool in pools where pool.isClosed {
                pool.require(!pool.hasCacheOnCallingThread, "a thread that comes by ends its caches of closed pools")
            }
        }
    }

    private func poll(_ observer: ModelledObserver, of pool: ModelledPool) {
        let worker = workers.first { $0.number == observer.thread }!
        worker.run {
            observer.poll { event in
                // As another thread may, between the question and the reply: takes what is about to go.
                if case .mayGo(let arena) = event, !pool.isAbandoned, random.chance(0.4) {
                    let byteCount = arena.byteCount > 2 << 20 ? arena.byteCount : 4096
                    _ = served(.get, pool, byteCount).map { pool.noteServed($0, thread: worker.number) }
                }
                return random.chance(0.5) ? .hold : .release
            }
        }
    }

    private func endAnOwner(_ pool: ModelledPool, _ worker: Worker) {
        let sizes = pool.handles.keys.sorted()
        let isLast = sizes.count + (pool.pool == nil ? 0 : 1) == 1
        guard !isLast || mayClose(pool) else { return }
        let ownsItself = pool.pool != nil && (sizes.isEmpty || random.chance(0.5))
        endOwner(ownsItself ? nil : random.element(sizes), of: pool, on: worker)
    }

    private func replace(_ pool: ModelledPool, _ worker: Worker) {
        while !pool.isAbandoned { endAnOwner(pool, worker) }
        if openPools.isEmpty { openPool() }
        for worker in workers { comeBy(openPools[0], worker) }
        openPool()
    }
}
