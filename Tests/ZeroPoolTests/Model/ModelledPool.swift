@testable import ZeroPool

/// A pool in a run, and what a plain model knows of it: who has what, and how often what was done.
///
/// The files `ModelledPool+….swift` say what the pool promises.
final class ModelledPool {
    /// What was done with the buffers of a class.
    struct Tally: Equatable {
        var servedCount = 0
        var transientCount = 0
        var refusedCount = 0
        var returnCount = 0
        var detachedEndCount = 0

        var outCount: Int { servedCount - returnCount - detachedEndCount }

        static func + (one: Tally, other: Tally) -> Tally {
            Tally(
                servedCount: one.servedCount + other.servedCount,
                transientCount: one.transientCount + other.transientCount,
                refusedCount: one.refusedCount + other.refusedCount, returnCount: one.returnCount + other.returnCount,
                detachedEndCount: one.detachedEndCount + other.detachedEndCount)
        }
    }

    /// What is known of a pool when it closes: nothing is taken from its shards any more, and no cache takes anything.
    struct Closing {
        let shardGetCount: Int
        let cachedCount: Int
    }

    let number: Int
    let configuration: BufferPool.Configuration
    let trace: ModelTrace
    /// Nil when its last owner is gone.
    private(set) var pool: BufferPool?
    /// What is behind it, for as long as the run lasts.
    private(set) var core: PoolCore?
    private weak var behind: PoolCore?
    /// By size. They own the pool too.
    private(set) var handles: [Int: PoolHandleBox] = [:]
    private(set) var leases: [ModelledLease] = []
    var observers: [ModelledObserver] = []
    /// By class, as `ModelledLease.classByteCount` has it.
    private(set) var tallies: [Int: Tally] = [:]
    /// The shards of threads, as far as binding or a lease has told.
    private var shardsOfThreads: [Int: Int] = [:]
    private(set) var closing: Closing?

    /// By how much shards that map at the same moment may exceed the pool's limit together.
    let overshootByteCount: Int

    init(number: Int = 0, _ pool: BufferPool, overshootByteCount: Int = 0, _ trace: ModelTrace) {
        self.number = number
        self.overshootByteCount = overshootByteCount
        self.pool = pool
        self.trace = trace
        configuration = pool.configuration
        core = pool.core
    }

    var isClosed: Bool { closing != nil }

    func require(_ holds: Bool, _ rule: StaticString, _ value: Int = ModelTrace.none) {
        trace.require(holds, rule, pool: number, value)
    }

    // MARK: What happened

    func noteServed(_ lease: ModelledLease, thread: Int) {
        tallies[lease.classByteCount, default: Tally()].servedCount += 1
        if lease.isTransient {
            tallies[lease.classByteCount]!.transientCount += 1
        } else {
            let shard = lease.location.shard
            require(shardsOfThreads[thread] ?? shard == shard, "a thread is served from its own shard", shard)
            shardsOfThreads[thread] = shard
        }
        leases.append(lease)
    }

    func noteRefused(_ byteCount: Int) {
        tallies[configuration.classByteCount(for: byteCount), default: Tally()].refusedCount += 1
    }

    /// What others counted who used the pool.
    func add(_ others: [Int: Tally]) { tallies.merge(others) { $0 + $1 } }

    func noteBound(thread: Int, toShard shard: Int) {
        // Past the 63rd pool at a time there are no caches, and so nothing to bind.
        if !isClosed, core!.isCached { shardsOfThreads[thread] = shard }
    }

    /// A lease is to end: nobody has written over it.
    func noteEnd(_ lease: ModelledLease) {
        if lease.isDetached {
            tallies[lease.classByteCount]!.detachedEndCount += 1
        } else {
            tallies[lease.classByteCount]!.returnCount += 1
        }
        leases.removeAll { $0 === lease }
    }

    // MARK: Its owners

    /// The pool, by whoever owns it still.
    var owned: BufferPool { pool ?? handles.values.first!.handle.pool }
    /// Whether nobody can ask it for anything any more.
    var isAbandoned: Bool { pool == nil && handles.isEmpty }

    /// The handle for the size, made if need be.
    func handle(_ byteCount: Int) -> PoolHandleBox {
        let handle = handles[byteCount] ?? PoolHandleBox(owned.handle(byteCount))
        handles[byteCount] = handle
        return handle
    }

    // MARK: Its end

    /// Closes it, on the calling thread.
    func close() { closing(after: { owned.close() }) }

    /// Ends what owns it: a handle for that size, or the pool's own reference.
    func endOwner(_ byteCount: Int?) {
        func end() { if let byteCount { handles[byteCount] = nil } else { pool = nil } }
        let isLast = byteCount.map { pool == nil && handles.count == 1 && handles[$0] != nil } ?? handles.isEmpty
        if isLast { closing(after: end) } else { end() }
    }

    private func closing(after close: () -> Void) {
        let wasClosed = isClosed
        close()
        guard !wasClosed else { return }
        let statistics = core!.statistics()
        closing = Closing(
            shardGetCount: statistics.gets.shard + statistics.gets.fresh, cachedCount: statistics.cachedCount)
    }

    /// Lets go of what is behind the pool. - Returns: whether nothing else keeps it.
    func letGo() -> Bool {
        behind = core
        core = nil
        return behind == nil
    }
}

/// A handle in a class, since handles do not go into dictionaries.
final class PoolHandleBox: Sendable {
    let handle: PoolHandle

    init(_ handle: consuming PoolHandle) { self.handle = consume handle }
}
