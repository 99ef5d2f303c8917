import CZeroPool

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
