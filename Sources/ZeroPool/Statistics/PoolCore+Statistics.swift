import Synchronization

/// What thread caches count for one class.
struct CacheCounts {
    var hitCount = 0
    var foreignReturnCount = 0
    /// In the magazine now; none in a cache that is gone.
    var bufferCount = 0
}

extension PoolCore {
    /// Adds up what the caches counted: `counts` has a place for each cached class, or is empty.
    func addCounts(of cache: ThreadCache, to counts: inout [CacheCounts]) {
        if counts.isEmpty { counts = Array(repeating: CacheCounts(), count: layout.cachedShifts.count) }
        for (index, shift) in layout.cachedShifts.enumerated() {
            let magazine = unsafe cache.magazine(shift: shift)
            unsafe counts[index].hitCount += Int(magazine.pointee.hitCount.load(ordering: .relaxed))
            unsafe counts[index].bufferCount += magazine.count
            unsafe counts[index].foreignReturnCount +=
                cache.foreignReturnCount(shift: shift).pointee.load(ordering: .relaxed)
        }
    }

    func statistics() -> BufferPool.Statistics {
        var statistics = BufferPool.Statistics()
        let shifts = configuration.minimumShift...SizeClass.maximumShift
        var caches = register.withLock { register in
            var counts = register.retired
            unsafe forEachCache(register) { unsafe addCounts(of: $0, to: &counts) }
            return counts
        }
        if caches.isEmpty { caches = Array(repeating: CacheCounts(), count: layout.cachedShifts.count) }
        let snapshots = shards.map { $0.snapshot(shifts: shifts) }
        for (index, shift) in shifts.enumerated() {
            var line = BufferPool.ClassStatistics(bufferByteCount: 1 << shift)
            addPoolCounts(shift: shift, to: &line)
            let cache = index < caches.count ? caches[index] : CacheCounts()
            add(snapshots.map { ($0.counters[shift: shift], $0.idleCounts[index]) }, cache, to: &line)
            statistics.classes.append(line)
        }
        var above = BufferPool.ClassStatistics(bufferByteCount: nil)
        addPoolCounts(shift: SizeClass.maximumShift + 1, to: &above)
        above.outCount = above.transientCount
        statistics.classes.append(above)
        statistics.classes.removeAll { $0 == BufferPool.ClassStatistics(bufferByteCount: $0.bufferByteCount) }

        statistics.mappedByteCount = mappedByteCount.load(ordering: .relaxed)
        statistics.pinning = pinning()
        statistics.highWater.mappedByteCount = maxMappedByteCount.load(ordering: .relaxed)
        for (counters, _) in snapshots {
            statistics.highWater.idleByteCount += counters.maxIdleByteCount
            statistics.highWater.awayByteCount += counters.maxAwayByteCount
        }
        return statistics
    }

    /// Transient memory and refusals. Also of what they have, that which the shards know nothing of.
    private func addPoolCounts(shift: Int, to line: inout BufferPool.ClassStatistics) {
        line.gets.transient = counters[shift: shift].transientGetCount.load(ordering: .relaxed)
        line.gets.refused = counters[shift: shift].refusedGetCount.load(ordering: .relaxed)
        line.returns.transient = counters[shift: shift].transientReturnCount.load(ordering: .relaxed)
        line.returns.detached = counters[shift: shift].transientDetachedEndCount.load(ordering: .relaxed)
        line.transientCount = max(0, line.gets.transient - line.returns.transient - line.returns.detached)
        line.transientByteCount = counters[shift: shift].transientByteCount.load(ordering: .relaxed)
    }

    /// What shards and caches know of a class.
    ///
    /// Why returns into caches have no counter: it would stand on the hot path, and the conservation of buffers gives them.
    /// What the magazines have now and what left them (by gets and by spills) came by returns, or with a batch.
    private func add(
        _ shards: [(counters: ShardCounters.Class, idleCount: Int)], _ cache: CacheCounts,
        to line: inout BufferPool.ClassStatistics
    ) {
        var outboxArrivalCount = 0
        for (counters, idleCount) in shards {
            line.gets.shard += counters.shardGetCount
            line.gets.fresh += counters.freshGetCount
            line.cacheRefillCount += counters.takenCount - counters.shardGetCount - counters.freshGetCount
            line.cacheSpillCount += counters.cacheArrivalCount
            line.returns.home += counters.leaseArrivalCount
            line.returns.detached += counters.detachedEndCount
            outboxArrivalCount += counters.outboxArrivalCount
            line.evictionCount += counters.evictionCount
            line.idleCount += idleCount
            line.maxIdleCount += counters.maxIdleCount
            line.maxAwayCount += counters.maxAwayCount
        }
        line.gets.cache = cache.hitCount
        line.returns.foreign = cache.foreignReturnCount
        // Not below zero, whatever threads do meanwhile.
        line.returns.cache = max(0, cache.hitCount + cache.bufferCount + line.cacheSpillCount - line.cacheRefillCount)
        line.cachedCount = cache.bufferCount + max(0, cache.foreignReturnCount - outboxArrivalCount)
        line.outCount = max(0, line.gets.served - line.returns.total)
    }
}

/// What no shard and no cache counts: transient and refused gets, by class. Atomics that all threads share, on paths that
/// map memory or have none to give.
struct PoolCounters: ~Copyable {
    struct Class: ~Copyable {
        let transientGetCount = Atomic<Int>(0)
        let transientReturnCount = Atomic<Int>(0)
        let transientDetachedEndCount = Atomic<Int>(0)
        /// Mapped now, for leases and detached buffers.
        let transientByteCount = Atomic<Int>(0)
        let refusedGetCount = Atomic<Int>(0)
    }

    /// The classes, and one more for sizes that have none.
    static let classCount = SizeClass.maximumShift - SizeClass.minimumShift + 2

    private let classes = InlineArray<20, Class> { _ in Class() }

    init() { assert(classes.count == PoolCounters.classCount) }

    /// The counts of the class of `shift`, or of all sizes that have none.
    subscript(shift shift: Int) -> Class {
        _read { yield classes[min(shift, SizeClass.maximumShift + 1) - SizeClass.minimumShift] }
    }
}

/// What a shard counts, by class, under its lock.
///
/// Invariants: of a class, `carvedCount` buffers are carved from the shard's arenas, of which some are idle in it and the others
/// away; `takenCount - shardGetCount - freshGetCount` of those taken went into a thread's cache.
struct ShardCounters {
    /// How single buffers come to a shard; a thread's cache hands back what is too much in batches.
    enum Arrival {
        /// A lease ended where no cache takes its buffer.
        case lease
        /// Of leases that ended on threads of other shards.
        case outbox
    }

    struct Class {
        var shardGetCount = 0
        var freshGetCount = 0
        /// Buffers that gets took, with the rest of their batches.
        var takenCount = 0
        var leaseArrivalCount = 0
        var cacheArrivalCount = 0
        var outboxArrivalCount = 0
        var detachedEndCount = 0
        var evictionCount = 0
        var carvedCount = 0
        var maxIdleCount = 0
        var maxAwayCount = 0
    }

    private let minimumShift: Int
    private(set) var classes: [Class]
    private(set) var carvedCount = 0
    private(set) var carvedByteCount = 0
    private(set) var maxIdleByteCount = 0
    private(set) var maxAwayByteCount = 0

    init(_ configuration: BufferPool.Configuration) {
        minimumShift = configuration.minimumShift
        classes = Array(repeating: Class(), count: configuration.classCount)
    }

    /// The counts of the class of `shift`.
    subscript(shift shift: Int) -> Class {
        get { classes[shift - minimumShift] }
        set { classes[shift - minimumShift] = newValue }
        _modify { yield &classes[shift - minimumShift] }
    }

    mutating func noteCarved(shift: Int) {
        self[shift: shift].carvedCount += 1
        carvedCount += 1
        carvedByteCount += 1 << shift
    }

    mutating func noteUncarved(shift: Int) {
        self[shift: shift].carvedCount -= 1
        carvedCount -= 1
        carvedByteCount -= 1 << shift
    }

    mutating func noteArrival(shift: Int, _ arrival: Arrival) {
        switch arrival {
        case .lease: self[shift: shift].leaseArrivalCount += 1
        case .outbox: self[shift: shift].outboxArrivalCount += 1
        }
    }

    /// `count` buffers of the class were taken by a get that `tier` served.
    @inline(__always)
    mutating func noteTaken(shift: Int, count: Int, tier: Shard.Tier, idle: borrowing IdleBuffers) {
        classes[shift - minimumShift].noteTaken(count: count, tier: tier, idleCount: idle.count(shift: shift))
        maxAwayByteCount = max(maxAwayByteCount, carvedByteCount - idle.byteCount)
    }

    /// Buffers of the class have become idle.
    @inline(__always)
    mutating func noteIdle(shift: Int, idle: borrowing IdleBuffers) {
        classes[shift - minimumShift].maxIdleCount = max(
            classes[shift - minimumShift].maxIdleCount, idle.count(shift: shift))
        maxIdleByteCount = max(maxIdleByteCount, idle.byteCount)
    }
}

extension ShardCounters.Class {
    @inline(__always)
    fileprivate mutating func noteTaken(count: Int, tier: Shard.Tier, idleCount: Int) {
        switch tier {
        case .shard: shardGetCount += 1
        case .fresh: freshGetCount += 1
        }
        takenCount += count
        maxAwayCount = max(maxAwayCount, carvedCount - idleCount)
    }
}
