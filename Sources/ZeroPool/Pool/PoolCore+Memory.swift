import Synchronization

/// What `BufferPool+Memory` promises.
extension PoolCore {
    func trim() {
        askCachesHome()
        let now = clock.now
        for shard in shards { shard.trim(unusedFor: 0, at: now) }
    }

    func trim(olderThanSeconds seconds: Double) {
        precondition(seconds >= 0, "an age is not negative, and a number")
        ThreadExit.reclaimClosed()
        guard let ticks = IdleClock.ticks(seconds: seconds) else { return }
        let now = clock.now
        let cache = unsafe existingCache
        unsafe cache?.handHome(unusedFor: ticks, at: now)
        unsafe shard(of: cache).trim(unusedFor: ticks, at: now)
    }

    func clear() {
        askCachesHome()
        for shard in shards { shard.clear() }
    }

    func shrink(toIdleByteCount byteCount: Int) {
        precondition(byteCount >= 0, "a byte count is not negative")
        ThreadExit.reclaimClosed()
        unsafe existingCache?.drain()
        let now = clock.now
        let parts = shards.flatMap { $0.idleParts(at: now) }
        var excess = parts.reduce(-byteCount) { $0 + $1.byteCount }
        guard excess > 0 else { return }
        var arenas = Set<Int>()
        var buffers = Set<Int>()
        for part in parts.sorted(by: IdlePart.leavesBefore) {
            guard excess > 0 else { break }
            excess -= part.byteCount
            if let descriptor = unsafe part.descriptor {
                buffers.insert(Int(bitPattern: descriptor))
            } else {
                arenas.insert(part.place)
            }
        }
        // One that was in use meanwhile goes all the same, if it is idle again.
        for shard in shards {
            unsafe shard.clear { descriptor in
                let place = unsafe IdlePart.place(shard: shard.index, arena: Int(descriptor.pointee.arenaIndex))
                return arenas.contains(place) || buffers.contains(Int(bitPattern: descriptor))
            }
        }
    }

    func preallocate(count: Int, byteCount: Int) -> Int {
        precondition(count >= 0 && byteCount >= 0, "a count is not negative")
        ThreadExit.reclaimClosed()
        let shift = SizeClass.shift(
            for: max(1, byteCount), smallest: SizeClass.smallest(minimumShift: configuration.minimumShift))
        guard shift <= SizeClass.maximumShift else { return 0 }
        return unsafe shard(of: threadCache()).preallocate(count: count, shift: shift)
    }

    var idleBufferCount: Int { cachedBufferCount + shards.reduce(0) { $0 + $1.idleCount } }

    /// Hands the calling thread's cache home, and has the others do it when they next come by.
    private func askCachesHome() {
        ThreadExit.reclaimClosed()
        trimRequestTick.store(clock.now, ordering: .relaxed)
        trimRequests.wrappingAdd(1, ordering: .releasing)
        // This thread's own has been told with that.
        if let cache = unsafe existingCache {
            unsafe cache.header.pointee.seenTrimRequestCount = trimRequestCount
            unsafe cache.drain()
        }
    }
}

extension IdlePart {
    static func place(shard: Int, arena: Int) -> Int { shard << 16 | arena }
    var place: Int { IdlePart.place(shard: shardIndex, arena: arenaIndex) }

    /// Whole arenas first; of two alike the one that was longer not used.
    static func leavesBefore(_ one: IdlePart, _ other: IdlePart) -> Bool {
        let areWhole = unsafe (one.descriptor == nil, other.descriptor == nil)
        return areWhole.0 == areWhole.1 ? one.idleTickCount > other.idleTickCount : areWhole.0
    }
}
