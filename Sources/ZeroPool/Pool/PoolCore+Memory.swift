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
    fileprivate static func leavesBefore(_ one: IdlePart, _ other: IdlePart) -> Bool {
        let areWhole = unsafe (one.descriptor == nil, other.descriptor == nil)
        return areWhole.0 == areWhole.1 ? one.idleTickCount > other.idleTickCount : areWhole.0
    }
}

/// What a pool does at a byte limit before a get is refused: idle memory of other classes makes room.
extension PoolCore {
    /// A buffer of the class of `shift` in place of idle ones of other classes, of the calling thread's shard, and of its cache
    /// if those are not enough; where the pool's limit is in the way, of other shards as well.
    ///
    /// Nothing is given up unless it is enough. What observers hold goes by their consent, and then serves a later get.
    func reclaim(shift: Int, _ cache: ThreadCache?, _ shard: Shard) -> DescriptorPointer? {
        guard !isClosed else { return nil }
        if let descriptor = unsafe takeByReclaiming(shift: shift, shard) { return unsafe descriptor }
        guard let cache = unsafe cache, unsafe cache.bufferCount > 0 else { return nil }
        unsafe cache.drain()
        // What came home may serve as it is.
        return unsafe shard.take(shift: shift) ?? takeByReclaiming(shift: shift, shard)
    }

    private func takeByReclaiming(shift: Int, _ shard: Shard) -> DescriptorPointer? {
        if shift < SystemMemory.hugePageByteCount.trailingZeroBitCount,
            let descriptor = unsafe shard.takeFromIdle(shift: shift)
        {
            return unsafe descriptor
        }
        let byteCount = ArenaStorage.byteCount(forShift: shift)
        // There is room by now where what was too old went, or another thread gave something up.
        if max(shard.excess(ofArena: byteCount), excess(ofArena: byteCount)) <= 0,
            let descriptor = unsafe shard.take(shift: shift)
        {
            return unsafe descriptor
        }
        return giveUpArenas(for: shard, byteCount: byteCount) ? unsafe shard.take(shift: shift) : nil
    }

    /// Lets idle arenas go so that `shard` can map one of `byteCount` bytes; whether that is so without anybody's consent.
    private func giveUpArenas(for shard: Shard, byteCount: Int) -> Bool {
        guard byteCount <= min(configuration.maxByteCountPerShard, configuration.maxByteCount) else { return false }
        let shardExcess = shard.excess(ofArena: byteCount)
        let poolExcess = excess(ofArena: byteCount)
        // With neither, the system itself refused.
        let wanted = max(shardExcess, poolExcess) > 0 ? max(shardExcess, poolExcess) : byteCount
        for heldToo in [false, true] {
            let own = shard.idleArenaByteCount(heldToo: heldToo)
            guard own >= shardExcess else { continue }
            // Other shards' locks are taken only where they can help.
            let others = (own >= wanted ? [] : shards.filter { $0 !== shard })
                .map { ($0, $0.idleArenaByteCount(heldToo: heldToo)) }
            guard own + others.reduce(0, { $0 + $1.1 }) >= wanted else { continue }
            var left = wanted - shard.giveUpIdleArenas(byteCount: min(own, wanted))
            for (other, byteCount) in others where left > 0 && byteCount > 0 {
                left -= other.giveUpIdleArenas(byteCount: min(byteCount, left))
            }
            return !heldToo
        }
        return false
    }
}
