import TestSupport
import Synchronization

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
        CrashReport.during(trace) {
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
        }
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
