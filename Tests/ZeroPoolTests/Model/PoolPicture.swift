import Synchronization
@testable import ZeroPool

/// What is inside a pool while nobody uses it: each shard's arenas, and where the buffers are that are not out.
struct PoolPicture {
    struct ArenaPicture {
        let index: Int
        let range: Range<UInt>
        let unitShift: Int
        let isSingleBuffer: Bool
        let isHeld: Bool
        let isLeaving: Bool
        /// What is not carved…
        let space: BuddyMap
        /// … in blocks.
        let free: [Range<UInt>]
        /// The idle buffers carved from it.
        var idle: [Range<UInt>] = []
        /// For how long none of those has been used.
        var idleTickCount = IdleClock.Tick.max

        var carvedByteCount: Int { (space.unitCount - space.freeUnitCount) << unitShift }
        var idleByteCount: Int { idle.reduce(0) { $0 + $1.count } }
        /// Whether something is carved from it, and all of that is idle.
        var isWhollyIdle: Bool { carvedByteCount > 0 && carvedByteCount == idleByteCount }

        mutating func noteIdle(_ buffer: Range<UInt>, for ticks: IdleClock.Tick) {
            idle.append(buffer)
            idleTickCount = min(idleTickCount, ticks)
        }

        /// Whether a buffer of the class of `shift` can be carved from it.
        func hasRoom(shift: Int) -> Bool {
            isSingleBuffer
                ? range.count == 1 << shift && space.isWhollyFree
                : shift < 21 && space.hasRoom(order: shift - unitShift)
        }
    }

    struct ShardPicture {
        let isClosed: Bool
        var mappedByteCount: Int
        let carvedCount: Int
        /// How many buffers are idle, by the shift of their class.
        let idleCounts: [Int: Int]
        var arenas: [ArenaPicture]

        var idleByteCount: Int { idleCounts.reduce(0) { $0 + $1.value << $1.key } }
    }

    var shards: [ShardPicture]
    /// The buffers in threads' magazines.
    var cached: [Range<UInt>] = []
    /// The buffers that wait in a thread to go home to another shard.
    var waiting: [Range<UInt>] = []
    private(set) var cacheCount = 0

    var arenaByteCount: Int { shards.reduce(0) { $0 + $1.mappedByteCount } }

    init(_ core: PoolCore) {
        let now = core.clock.now
        shards = core.shards.map { ShardPicture($0, at: now) }
        core.register.withLock { register in
            core.forEachCache(register) { cache in
                cacheCount += 1
                for shift in core.layout.cachedShifts {
                    let magazine = cache.magazine(shift: shift)
                    if let hot = DescriptorPointer(bitPattern: magazine.pointee.hot.load(ordering: .relaxed)) {
                        cached.append(hot.pointee.range)
                    }
                    let count = Int(magazine.pointee.count.load(ordering: .relaxed))
                    for index in 0..<count { cached.append(magazine.slots[index].pointee.range) }
                }
                for shard in core.shards.indices {
                    var outbox = cache.header.pointee.outboxes[shard]
                    while let descriptor = outbox.pop() { waiting.append(descriptor.pointee.range) }
                }
            }
        }
    }
}

extension PoolPicture.ShardPicture {
    init(_ shard: Shard, at now: IdleClock.Tick) {
        self = shard.state.withLock { state in
            var counts: [Int: Int] = [:]
            var arenas = state.arenas.map { $0.map { PoolPicture.ArenaPicture($0) } }
            state.idle.forEachFromColdest { descriptor in
                let index = Int(descriptor.pointee.arenaIndex)
                let idleTickCount = IdleClock.elapsed(since: descriptor.pointee.idleSince, at: now)
                counts[Int(descriptor.pointee.shift), default: 0] += 1
                arenas[index]?.noteIdle(descriptor.pointee.range, for: idleTickCount)
                return true
            }
            return PoolPicture.ShardPicture(
                isClosed: state.isClosed, mappedByteCount: shard.mappedByteCount.load(ordering: .relaxed),
                carvedCount: state.counters.carvedCount, idleCounts: counts, arenas: arenas.compactMap { $0 })
        }
    }
}

extension PoolPicture.ArenaPicture {
    fileprivate init(_ arena: ArenaStorage) {
        let start = UInt(bitPattern: arena.base)
        var rest = arena.space
        var free: [Range<UInt>] = []
        for order in (0...rest.maximumOrder).reversed() {
            while let unit = rest.take(order: order) {
                let block = start + UInt(unit) << arena.unitShift
                free.append(block..<block + 1 << (arena.unitShift + order))
            }
        }
        self.init(
            index: arena.index, range: start..<start + UInt(arena.byteCount), unitShift: arena.unitShift,
            isSingleBuffer: arena.isSingleBuffer, isHeld: arena.holders != 0, isLeaving: arena.isLeaving,
            space: arena.space, free: free)
    }
}

extension BufferDescriptor {
    /// The addresses of the buffer.
    fileprivate var range: Range<UInt> {
        UInt(bitPattern: base)..<UInt(bitPattern: base) + UInt(byteCount)
    }
}

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
