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
