import Synchronization

/// What a thread's cache hands home because the thread does not use it.
///
/// A magazine's hits tell whether it was used, so the fast paths have nothing to do for it.
extension ThreadCache {
    /// What the last look at a magazine found.
    @safe
    struct MagazineUse {
        var hitCount: UInt64 = 0
        /// When its hits were first seen to be so many.
        var sinceTick: IdleClock.Tick
    }

    /// Hands home the magazines that served nothing for `ticks`, as far as looks have seen it, and all outboxes.
    func handHome(unusedFor ticks: IdleClock.Tick, at now: IdleClock.Tick) {
        let core = unsafe core
        let home = core.shards[unsafe shardIndex]
        for shift in core.layout.cachedShifts {
            let use = unsafe header.pointee.uses + (shift - core.layout.cachedShifts.lowerBound)
            let hitCount = unsafe magazine(shift: shift).pointee.hitCount.load(ordering: .relaxed)
            if unsafe use.pointee.hitCount != hitCount {
                unsafe use.pointee = MagazineUse(hitCount: hitCount, sinceTick: now)
            }
            guard unsafe IdleClock.elapsed(since: use.pointee.sinceTick, at: now) >= ticks else { continue }
            unsafe spill(shift: shift, to: home, keeping: 0, idleSince: use.pointee.sinceTick)
        }
        unsafe flushOutboxes()
    }

    /// Whether its thread has something to do by `heedRequests`, or `ThreadExit.reclaimClosed`.
    var isCalled: Bool {
        let isOfCore = unsafe header.pointee.core._withUnsafeGuaranteedRef {
            unsafe $0.trimRequestCount != header.pointee.seenTrimRequestCount
        }
        let isOfShard = unsafe header.pointee.home._withUnsafeGuaranteedRef {
            unsafe $0.lastTrimTick.load(ordering: .relaxed) != header.pointee.seenSweepTick
        }
        return isOfCore || isOfShard || ThreadExit.isClosedPoolUnseen
    }

    /// Does what was asked of the cache's thread since it last came by: by `trim()` or `clear()`, all goes home and what
    /// it empties to the system; when its shard was swept for its age, the cache is looked through for it as well.
    func heedRequests() {
        let core = unsafe core
        let home = core.shards[unsafe shardIndex]
        let (requestCount, sweepTick) = (core.trimRequestCount, home.lastTrimTick.load(ordering: .relaxed))
        if unsafe header.pointee.seenTrimRequestCount != requestCount {
            unsafe header.pointee.seenTrimRequestCount = requestCount
            // As if it had been done when it was asked: what came into use since then stays.
            let since = core.trimRequestTick.load(ordering: .relaxed)
            let shards = core.shards.filter {
                unsafe $0 === home || header.pointee.outboxes[$0.index].count > 0
            }
            unsafe drain(idleSince: since)
            let now = core.clock.now
            for shard in shards { shard.trim(unusedFor: IdleClock.elapsed(since: since, at: now), at: now) }
        } else if unsafe header.pointee.seenSweepTick != sweepTick {
            unsafe header.pointee.seenSweepTick = sweepTick
            if let ticks = core.maxIdleTickCount { unsafe handHome(unusedFor: ticks, at: core.clock.now) }
        }
    }
}
