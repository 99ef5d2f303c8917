import CZeroPool
import Synchronization
@testable import ZeroPool

/// What a get promises.
extension ModelledPool {
    /// Whether the pool may have nothing for a request: past its limits, closed, or past 1 GiB. Then `tryGet` is nil, and `get`
    /// hands out transient memory. To be asked on the thread that requests, right before it does.
    func mayHaveNothing(for byteCount: Int) -> Bool {
        let classByteCount = configuration.classByteCount(for: byteCount)
        if isClosed || classByteCount == 0 { return true }
        // For speed: nothing limits it.
        if configuration.maxByteCount == .max, configuration.maxByteCountPerShard == .max { return false }
        return !PoolPicture(core!).canServe(
            shift: classByteCount.trailingZeroBitCount, shard: shardOfCallingThread, configuration)
    }

    /// The shard that serves the calling thread, or will when it has its cache.
    var shardOfCallingThread: Int {
        let core = core!
        guard core.isCached, core.existingCache == nil else { return core.shard(of: core.existingCache).index }
        return core.register.withLock { $0.threadCount } & (configuration.numShards - 1)
    }

    /// Whether the calling thread's cache of the pool holds nothing.
    var isCacheOfCallingThreadEmpty: Bool { core!.existingCache.map { $0.bufferCount == 0 } ?? true }

    /// Whether the calling thread has a cache of the pool, closed or not.
    var hasCacheOnCallingThread: Bool {
        let slot = UInt64(core!.slot)
        guard core!.isCached, zeropool_slot_is_empty(slot) == 0 else { return false }
        return ThreadCache(address: zeropool_slot(slot)).core === core
    }

    /// A lease as it comes, before its tenant writes to it.
    func checkServed(_ lease: ModelledLease, asked byteCount: Int, isZeroed: Bool) {
        let classByteCount = configuration.classByteCount(for: byteCount)
        require(lease.count == (isZeroed ? byteCount : 0), "only what was asked for zeroed counts as written")
        if lease.isTransient {
            let pageByteCount = 2 << 20
            let rounded = max(1, (byteCount + pageByteCount - 1) / pageByteCount) * pageByteCount
            require(lease.byteCount == rounded, "transient memory is the request in whole huge pages", lease.byteCount)
        } else {
            require(
                lease.byteCount == classByteCount || lease.byteCount == 2 * classByteCount,
                "a lease is of the class that was asked for, or of the next", lease.byteCount)
        }
        checkContent(lease.memory, zeroedByteCount: isZeroed ? byteCount : 0)
    }

    private func checkContent(_ memory: UnsafeMutableRawBufferPointer, zeroedByteCount: Int) {
        let zeroed = UnsafeMutableRawBufferPointer(rebasing: memory[..<zeroedByteCount])
        require(zeroed.isAll(0), "what was asked for zeroed is zero")
        let rest = UnsafeMutableRawBufferPointer(rebasing: memory[zeroedByteCount...])
        if configuration.debugging {
            require(rest.isAll(Poison.fresh.rawValue), "a debugging pool fills fresh leases")
        } else if configuration.wipesOnReturn {
            require(rest.isAll(0), "a wiping pool hands out nothing that was written before")
        }
    }
}

/// What the calls promise that give memory back, or fetch it in advance. Each is made, and checked, on the calling thread.
extension ModelledPool {
    func trim() {
        owned.trim()
        let arenas = PoolPicture(core!).shards.flatMap(\.arenas)
        require(!arenas.contains { $0.isWhollyIdle }, "trim leaves no arena of which all is idle")
        require(isCacheOfCallingThreadEmpty, "trim sends the calling thread's cache home")
    }

    func trim(olderThanSeconds seconds: Double) {
        let shard = shardOfCallingThread
        owned.trim(olderThanSeconds: seconds)
        // A thread that has not used the pool yet has no shard of its own.
        guard let ticks = IdleClock.ticks(seconds: seconds), core!.existingCache != nil else { return }
        let arenas = PoolPicture(core!).shards[shard].arenas
        require(
            !arenas.contains { $0.isWhollyIdle && $0.idleTickCount >= ticks },
            "trim by age leaves no arena in the thread's shard that was idle for so long")
        if ticks == 0 { require(isCacheOfCallingThreadEmpty, "trim by age 0 sends the thread's cache home") }
    }

    func clear() {
        owned.clear()
        let idleByteCount = PoolPicture(core!).shards.reduce(0) { $0 + $1.idleByteCount }
        require(idleByteCount == 0, "clear leaves nothing idle", idleByteCount)
        require(isCacheOfCallingThreadEmpty, "clear sends the calling thread's cache home")
    }

    func shrink(toIdleByteCount byteCount: Int) {
        owned.shrink(toIdleByteCount: byteCount)
        let idleByteCount = PoolPicture(core!).shards.reduce(0) { $0 + $1.idleByteCount }
        require(idleByteCount <= byteCount, "shrink leaves at most so much idle", idleByteCount)
        require(isCacheOfCallingThreadEmpty, "shrink sends the calling thread's cache home")
    }

    func preallocate(count: Int, byteCount: Int) {
        let shard = shardOfCallingThread
        let preallocated = owned.preallocate(count: count, byteCount: byteCount)
        let picture = PoolPicture(core!)
        let shift = configuration.classByteCount(for: byteCount).trailingZeroBitCount
        let idleCount = picture.shards[shard].idleCounts[shift] ?? 0
        require(preallocated == idleCount, "preallocate says how many are idle", preallocated)
        guard preallocated < count, !isClosed else { return }
        let idleRoom = configuration.maxIdleByteCount / configuration.numShards - picture.shards[shard].idleByteCount
        require(
            idleCount >= configuration.maxBuffersPerShard || idleRoom < 1 << shift
                || !picture.canCarve(shift: shift, shard: shard, configuration),
            "preallocate makes fewer only where a limit is met", preallocated)
    }

    /// The calling thread comes by a slow path, and takes no memory.
    func comeBy() {
        let wasAsked = core!.existingCache.map { $0.header.pointee.seenTrimRequestCount != core!.trimRequestCount }
        let byteCount = (1 << 30) + 1
        require(owned.tryGet(byteCount) == nil, "tryGet has nothing past 1 GiB")
        noteRefused(byteCount)
        require(
            wasAsked != true || isCacheOfCallingThreadEmpty, "a thread that comes by heeds what was asked of it")
    }

    /// After more than `maxIdleSeconds`: the calling thread comes by until all has been looked at.
    func comeByLater(_ clock: HandClock) {
        let seconds = configuration.maxIdleSeconds
        guard let ticks = IdleClock.ticks(seconds: seconds) else { return }
        clock.advance(seconds: 2 * seconds)
        let shard = shardOfCallingThread
        // Each look is a quarter of the time from the last, and what a cache hands home in one is looked at in the next.
        for _ in 0..<3 {
            comeBy()
            clock.advance(seconds: seconds / 3)
        }
        comeBy()
        let arenas = PoolPicture(core!).shards[shard].arenas
        require(
            !arenas.contains { $0.isWhollyIdle && $0.idleTickCount >= ticks + ticks / 2 },
            "what is idle for longer than maxIdleSeconds goes when threads come by")
    }
}
