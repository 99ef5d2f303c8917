@testable import ZeroPool

/// What a pool in that state can serve.
extension PoolPicture {
    /// Whether a shard has a buffer for a request of the class of `shift`, or has to make one, if need be in place of arenas of
    /// which all is idle. (It finds room in more cases: between leases, in the thread's cache, in other shards.)
    func canServe(shift: Int, shard index: Int, _ configuration: BufferPool.Configuration) -> Bool {
        let shard = shards[index]
        if shard.isClosed { return false }
        // The next class up wastes at most half.
        if shard.idleCounts[shift] != nil || shard.idleCounts[shift + 1] != nil && shift < 30 { return true }
        return canCarve(shift: shift, shard: index, configuration)
            || givingUpIdleArenas(ofShard: index).canMap(shift: shift, shard: index, configuration)
    }

    /// Whether a shard has room for another buffer of the class of `shift`, or may map some.
    func canCarve(shift: Int, shard index: Int, _ configuration: BufferPool.Configuration) -> Bool {
        shards[index].arenas.contains { $0.hasRoom(shift: shift) }
            || canMap(shift: shift, shard: index, configuration)
    }

    private func canMap(shift: Int, shard index: Int, _ configuration: BufferPool.Configuration) -> Bool {
        let byteCount = max(2 << 20, 1 << shift)
        return byteCount <= configuration.maxByteCount - arenaByteCount
            && byteCount <= configuration.maxByteCountPerShard - shards[index].mappedByteCount
    }

    /// The same without the arenas of a shard of which all is idle, and which nobody holds.
    private func givingUpIdleArenas(ofShard index: Int) -> PoolPicture {
        var picture = self
        for arena in shards[index].arenas where arena.isWhollyIdle && !arena.isHeld {
            picture.shards[index].mappedByteCount -= arena.range.count
        }
        return picture
    }
}
