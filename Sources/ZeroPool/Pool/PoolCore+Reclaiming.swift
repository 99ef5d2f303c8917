import Synchronization

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
