@testable import ZeroPool

/// What always holds between two calls, within the pool and in its statistics.
extension ModelledPool {
    /// Looks at all of it. No thread uses the pool meanwhile.
    func audit() {
        let picture = PoolPicture(core!)
        auditPlaces(picture)
        auditArenas(picture)
        auditIdleMemory(picture)
        auditStatistics(picture)
        for observer in observers { observer.check(leases) }
    }

    /// Each part of an arena is in one place: out, in a thread's cache, idle, or free.
    private func auditPlaces(_ picture: PoolPicture) {
        let out = leases.filter { !$0.isTransient }.map(\.range)
        let arenas = picture.shards.flatMap(\.arenas).sorted { $0.range.lowerBound < $1.range.lowerBound }
        let buffers = out + picture.cached + picture.waiting + arenas.flatMap(\.idle)
        let parts = (buffers + arenas.flatMap(\.free)).sorted { $0.lowerBound < $1.lowerBound }
        for (part, next) in zip(parts, parts.dropFirst()) {
            require(part.upperBound <= next.lowerBound, "a buffer is in one place only", part.count)
        }
        var index = 0
        for arena in arenas {
            let start = index
            while index < parts.count, arena.range.contains(parts[index].lowerBound) { index += 1 }
            let byteCount = parts[start..<index].reduce(0) { $0 + $1.count }
            require(
                byteCount == arena.range.count, "each part of an arena is out, cached, idle or free",
                arena.range.count - byteCount)
            let freeByteCount = arena.free.reduce(0) { $0 + $1.count }
            require(
                arena.carvedByteCount == arena.range.count - freeByteCount, "an arena counts what is carved from it",
                arena.carvedByteCount)
        }
        require(index == parts.count, "a buffer is in an arena", parts.count - index)
        let carvedCount = picture.shards.reduce(0) { $0 + $1.carvedCount }
        require(carvedCount == buffers.count, "shards count what is carved", carvedCount - buffers.count)
    }

    private func auditArenas(_ picture: PoolPicture) {
        for shard in picture.shards {
            let byteCount = shard.arenas.reduce(0) { $0 + $1.range.count }
            require(shard.mappedByteCount == byteCount, "a shard counts what its arenas have", byteCount)
            require(
                byteCount <= configuration.maxByteCountPerShard, "a shard maps no more than maxByteCountPerShard",
                byteCount)
            for arena in shard.arenas {
                require(
                    arena.isLeaving == arena.space.isWhollyFree,
                    "an arena is about to go when nothing is carved from it", arena.index)
                require(
                    !arena.isLeaving || arena.isHeld, "an arena of nothing that nobody holds is gone", arena.index)
            }
        }
        require(
            picture.arenaByteCount - overshootByteCount <= configuration.maxByteCount,
            "the pool maps no more than maxByteCount", picture.arenaByteCount)
    }

    private func auditIdleMemory(_ picture: PoolPicture) {
        for shard in picture.shards {
            require(
                shard.idleByteCount <= configuration.maxIdleByteCount / configuration.numShards,
                "a shard keeps its part of maxIdleByteCount idle", shard.idleByteCount)
            require(
                shard.idleCounts.allSatisfy { $0.value <= configuration.maxBuffersPerShard },
                "a shard keeps maxBuffersPerShard of a class idle")
            require(!isClosed || shard.idleCounts.isEmpty, "a closed pool keeps nothing idle")
        }
        guard configuration.debugging || configuration.wipesOnReturn else { return }
        let leftBehind = configuration.debugging ? Poison.returned.rawValue : 0
        // Of the larger ones the next get shows it.
        for range in picture.shards.flatMap(\.arenas).flatMap(\.idle) + picture.cached + picture.waiting
        where range.count <= 1 << 18 {
            let memory = UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: range.lowerBound), count: range.count)
            require(memory.isAll(leftBehind), "what nobody has is wiped, or poisoned", range.count)
        }
    }

    // MARK: Statistics

    private func auditStatistics(_ picture: PoolPicture) {
        let statistics = core!.statistics()
        checkTallies(statistics)
        let transientByteCount = leases.reduce(0) { $0 + ($1.isTransient ? $1.byteCount : 0) }
        require(statistics.transientByteCount == transientByteCount, "transient bytes are those of its leases")
        require(
            statistics.mappedByteCount == picture.arenaByteCount + transientByteCount,
            "what is mapped is arenas and transient memory", statistics.mappedByteCount)
        let idleByteCount = picture.shards.reduce(0) { $0 + $1.idleByteCount }
        require(statistics.idleByteCount == idleByteCount, "idle bytes are those of the shards", idleByteCount)
        require(
            statistics.cachedCount == picture.cached.count + picture.waiting.count,
            "cached is what threads have", statistics.cachedCount)
        require(core!.leasedBufferCount == leases.count, "leased is what is out", core!.leasedBufferCount)
        let idleCount = picture.shards.reduce(0) { $0 + $1.idleCounts.values.reduce(0, +) }
        require(
            core!.idleBufferCount == idleCount + picture.cached.count, "count is what is idle in shards and caches")
        let marks = statistics.highWater
        require(
            marks.mappedByteCount >= statistics.mappedByteCount && marks.idleByteCount >= statistics.idleByteCount
                && marks.awayByteCount
                    >= statistics.outByteCount - transientByteCount + statistics.cachedByteCount,
            "nothing is above its high-water mark")
        let wanted = configuration.pinnedMemory ? statistics.mappedByteCount : 0
        require(
            statistics.pinning.wantedByteCount == wanted && statistics.pinning.pinnedByteCount <= wanted,
            "all that is mapped should be pinned, and no more is")
        if let outstanding = core!.ledger?.outstandingLeases() {
            require(
                outstanding.reduce(0) { $0 + $1.count } == leases.count, "a debugging pool knows what is out",
                outstanding.count)
        }
        guard let closing else { return }
        require(
            statistics.gets.shard + statistics.gets.fresh == closing.shardGetCount,
            "a closed pool serves what the thread's cache has still, and transient memory")
        require(statistics.cachedCount <= closing.cachedCount, "no cache takes a closed pool's buffers")
    }

    /// The statistics count what was done, by class.
    func checkTallies(_ statistics: BufferPool.Statistics) {
        var rest = tallies
        for line in statistics.classes {
            let counted = Tally(
                servedCount: line.gets.served, transientCount: line.gets.transient, refusedCount: line.gets.refused,
                returnCount: line.returns.total - line.returns.detached, detachedEndCount: line.returns.detached)
            let tally = rest.removeValue(forKey: line.bufferByteCount ?? 0)
            require(counted == tally ?? Tally(), "the statistics count what was done", line.bufferByteCount ?? 0)
            require(line.outCount == counted.outCount, "what was served and has not come back is out", line.outCount)
        }
        require(rest.isEmpty, "each class that was asked for has a line")
    }
}
