import TestSupport
import Testing

@testable import ZeroPool

@Suite("BufferPool")
struct BufferPoolTests {
    private func makePool(
        cache: Int = 4, perShard: Int = 16, shards: Int = 1, limit: Int = .max, idleLimit: Int = .max
    ) -> BufferPool {
        BufferPool.builder().tlsCacheSize(cache).maxBuffersPerShard(perShard).numShards(shards).maxByteCount(limit)
            .maxIdleByteCount(idleLimit).build()
    }

    @Test("serves fresh, then from the cache")
    func freshThenCache() {
        let pool = makePool()
        for _ in 0..<5 { _ = pool.get(65536) }
        let gets = pool.statistics().gets
        #expect(gets.fresh == 1)
        #expect(gets.cache == 4)
    }

    @Test("what overflows the cache is served by the shard again, not mapped anew")
    func overflowIsServedByTheShard() {
        let pool = makePool(cache: 2)
        for _ in 0..<3 {
            let boxes = (0..<12).map { _ in LeaseBox(pool.get(65536)) }
            _ = boxes
        }
        let statistics = pool.statistics()
        #expect(statistics.gets.fresh == 12)
        #expect(statistics.gets.shard > 0)
        #expect(statistics.mappedByteCount == 2 << 20)
    }

    @Test("buffers in use at once never overlap, of whatever size")
    func buffersNeverOverlap() {
        var random = SeededGenerator.announced("overlap", 0)
        let pool = makePool()
        var boxes: [LeaseBox] = []
        for _ in 0..<300 {
            let size = 1 << Int.random(in: 0...22, using: &random)
            boxes.append(LeaseBox(pool.get(size)))
            if Bool.random(using: &random) { boxes.remove(at: Int.random(in: 0..<boxes.count, using: &random)) }
            let ranges = boxes.map { $0.range }.sorted { $0.lowerBound < $1.lowerBound }
            for (one, other) in zip(ranges, ranges.dropFirst()) { #expect(one.upperBound <= other.lowerBound) }
        }
    }

    @Test("an idle buffer of the next class serves before a fresh one, and wastes at most half")
    func firstFit() {
        let pool = makePool(cache: 0)
        do { _ = pool.get(16384) }
        do {
            let buffer = pool.get(8192)
            #expect(buffer.capacity == 16384)
        }
        #expect(pool.statistics().gets.fresh == 1)
        do {
            let buffer = pool.get(4096)
            #expect(buffer.capacity == 4096)
        }
        #expect(pool.statistics().gets.fresh == 2)
    }

    @Test("transient memory does not take the place of arenas")
    func transientMemoryIsNotLimited() {
        let pool = makePool(cache: 0, limit: 4 << 20)
        var large = [LeaseBox(pool.get(2 << 20)), LeaseBox(pool.get(2 << 20))]
        let transient = (0..<3).map { _ in LeaseBox(pool.get(4096)) }
        #expect(pool.statistics().gets.transient == 3)
        #expect(refuses(pool, 4096))
        large.removeAll()
        pool.trim()
        #expect(!refuses(pool, 4096))
        withExtendedLifetime(transient) {}
    }

    @Test("any size up to 1 GiB is pooled", arguments: [1 << 20, 2 << 20, 16 << 20, 32 << 20, 500_000_000, 1 << 30])
    func largeSizesArePooled(size: Int) {
        let pool = makePool()
        for _ in 0..<3 {
            let buffer = pool.get(size)
            unsafe buffer.baseAddress.storeBytes(of: 7, as: UInt8.self)
            unsafe (buffer.baseAddress + size - 1).storeBytes(of: 7, as: UInt8.self)
        }
        let gets = pool.statistics().gets
        #expect(gets.fresh == 1)
        #expect(gets.cache + gets.shard == 2)
        #expect(gets.transient == 0)
    }

    @Test("what no magazine takes finds none, whichever pools the thread has caches of")
    func uncachedFindsNoMagazine() async {
        // In a process of its own: it takes all the slots, and other tests count on having one.
        await #expect(processExitsWith: .success) {
            let pools = (0..<70).map { _ in BufferPool.builder().tlsCacheSize(4).numShards(1).build() }
            for pool in pools { _ = pool.get(4096) }
            for pool in pools {
                for _ in 0..<3 { _ = pool.get(32 << 20) }
                #expect(pool.statistics().gets.shard >= 2)
                #expect(pool.statistics().idleByteCount >= 32 << 20)
            }
        }
    }

    @Test("above 1 GiB get is transient, and tryGet refuses")
    func aboveTheLargestClass() {
        let pool = makePool()
        #expect(refuses(pool, (1 << 30) + 1))
        do {
            let buffer = pool.get((1 << 30) + 1)
            #expect(buffer.capacity >= (1 << 30) + 1)
            #expect(pool.statistics().mappedByteCount > 1 << 30)
        }
        #expect(pool.statistics().mappedByteCount == 0)
        #expect(pool.statistics().gets.transient == 1)
        #expect(pool.statistics().gets.refused == 1)
    }

    @Test("past the byte limit tryGet is nil and get is transient; what is returned is served again")
    func byteLimit() {
        let pool = makePool(cache: 2, limit: 2 << 20)
        var boxes = (0..<32).map { _ in LeaseBox(pool.tryGet(65536)!) }
        #expect(refuses(pool, 65536))
        do {
            let transient = pool.get(65536)
            #expect(transient.capacity >= 65536)
            #expect(pool.statistics().mappedByteCount == 4 << 20)
        }
        #expect(pool.statistics().mappedByteCount == 2 << 20)
        boxes.removeLast()
        #expect(!refuses(pool, 65536))
        let gets = pool.statistics().gets
        #expect(gets.refused == 1)
        #expect(gets.transient == 1)
    }

    @Test(
        "a shard keeps as many idle buffers as it may; the rest goes back to the arenas, and whole arenas to the system"
    )
    func shardLimit() {
        let pool = makePool(cache: 0, perShard: 8)
        var boxes = (0..<64).map { _ in LeaseBox(pool.get(65536)) }
        #expect(pool.statistics().mappedByteCount == 4 << 20)
        // The first arena's buffers go last, so that those of the second are what stays.
        while !boxes.isEmpty { boxes.removeLast() }
        let statistics = pool.statistics()
        #expect(statistics.idleByteCount == 8 * 65536)
        #expect(statistics.evictionCount == 56)
        #expect(statistics.mappedByteCount == 2 << 20)
    }

    @Test("idle memory stays under its limit")
    func idleLimit() {
        let pool = makePool(cache: 0, idleLimit: 1 << 20)
        do { _ = (0..<16).map { _ in LeaseBox(pool.get(262_144)) } }
        #expect(pool.statistics().idleByteCount == 1 << 20)
        do { _ = pool.get(16 << 20) }
        #expect(pool.statistics().idleByteCount == 1 << 20)
        #expect(pool.statistics().mappedByteCount < 16 << 20)
    }

    @Test("a smallest class larger than a page serves small requests")
    func minimumBufferSize() {
        let pool = BufferPool.builder().minBufferSize(65536).build()
        let buffer = pool.get(1)
        #expect(buffer.capacity == 65536)
        let large = pool.get(65537)
        #expect(large.capacity == 131_072)
    }

    @Test("a get of nothing is served like the smallest class, however full the cache")
    func getOfNothing() {
        let pool = makePool(cache: 4)
        do { _ = (0..<8).map { _ in LeaseBox(pool.get(4096)) } }
        let boxes = (0..<10).map { _ in LeaseBox(pool.get(0)) }
        #expect(boxes.allSatisfy { $0.range.count == 4096 })
        #expect(pool.statistics().gets.fresh == 10)
        let zeroed = pool.get(zeroed: 0)
        #expect(zeroed.count == 0)
    }

    @Test("a negative size traps, however full the cache")
    func negativeSize() async {
        await #expect(processExitsWith: .failure) { NegativeSize.get(.min) }
        await #expect(processExitsWith: .failure) { NegativeSize.get(.min + 4096) }
        await #expect(processExitsWith: .failure) { NegativeSize.get(-(1 << 62) - 1) }
        await #expect(processExitsWith: .failure) { NegativeSize.get(-1) }
        await #expect(processExitsWith: .success) { NegativeSize.get(1) }
    }

    @Test("pools do not mix")
    func poolsDoNotMix() {
        let (one, other) = (makePool(), makePool())
        for pool in [one, other] { _ = pool.get(4096) }
        #expect(one.statistics().gets.fresh == 1)
        #expect(other.statistics().gets.fresh == 1)
        do { _ = [LeaseBox(one.get(4096)), LeaseBox(one.get(4096))] }
        #expect(one.statistics().gets.fresh == 2)
        #expect(other.statistics().gets.fresh == 1)
    }

    @Test("more pools than thread-local slots work, without thread caches")
    func moreThanTheSlots() async {
        // In a process of its own: it takes all the slots, and other tests count on having one.
        await #expect(processExitsWith: .success) {
            let pools = (0..<100).map { _ in BufferPool.builder().tlsCacheSize(4).numShards(1).build() }
            for pool in pools {
                for _ in 0..<4 { _ = pool.get(4096) }
                let gets = pool.statistics().gets
                #expect(gets.fresh == 1)
                #expect(gets.cache + gets.shard == 3)
            }
        }
    }
}

@Suite("Closing a pool")
struct ClosingTests {
    @Test("gives idle memory back at once")
    func givesIdleMemoryBack() {
        let pool = BufferPool()
        do { _ = (0..<40).map { _ in LeaseBox(pool.get(65536)) } }
        #expect(pool.statistics().mappedByteCount > 0)
        pool.close()
        pool.close()
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("leaves leases valid, and their memory follows them")
    func leasesOutliveThePool() {
        var core: PoolCore?
        var box: LeaseBox?
        do {
            let pool = BufferPool()
            core = pool.core
            box = LeaseBox(pool.get(65536))
        }
        #expect(core!.isClosed)
        #expect(core!.statistics().mappedByteCount == 2 << 20)
        box!.buffer!.append(copying: [UInt8](repeating: 9, count: 65536).span.bytes)
        #expect(box!.bytes.allSatisfy { $0 == 9 })
        box = nil
        #expect(core!.statistics().mappedByteCount == 0)
        core = nil
    }

    @Test("is the end of the core once the last lease is back")
    func coreEnds() {
        weak var core: PoolCore?
        do {
            let box: LeaseBox
            do {
                let pool = BufferPool()
                core = pool.core
                box = LeaseBox(pool.get(65536))
            }
            #expect(core != nil)
            _ = box
        }
        #expect(core == nil)
    }

    @Test("afterwards get is transient and tryGet refuses")
    func getAfterClose() {
        let pool = BufferPool()
        pool.close()
        #expect(refuses(pool, 4096))
        do {
            let buffer = pool.get(4096)
            #expect(buffer.capacity >= 4096)
        }
        #expect(pool.statistics().mappedByteCount == 0)
        #expect(pool.statistics().gets.transient == 1)
    }

    @Test("a closed pool's handle never reaches into the cache of a later pool")
    func closedHandle() {
        let closed = BufferPool.builder().tlsCacheSize(2).build()
        closed.close()
        let others = (0..<8).map { _ in BufferPool.builder().tlsCacheSize(128).build() }
        for other in others { do { _ = (0..<20).map { _ in LeaseBox(other.get(4096)) } } }
        #expect(refuses(closed, 4096))
        do {
            let transient = closed.get(4096)
            #expect(transient.capacity >= 4096)
        }
        #expect(others.allSatisfy { $0.core.slot != closed.core.slot })
        #expect(closed.statistics().gets.cache == 0)
    }

    @Test("a late return finds no tag where the cache of a later pool is smaller")
    func lateReturnMeetsSmallerCache() {
        var box: LeaseBox?
        let (slot, byteCount): (Int, Int)
        do {
            let pool = BufferPool.builder().tlsCacheSize(1000).build()
            (slot, byteCount) = (pool.core.slot, pool.core.layout.byteCount)
            box = LeaseBox(pool.get(16 << 20))
        }
        var pools: [BufferPool] = []
        repeat {
            pools.append(BufferPool.builder().tlsCacheSize(1).build())
        } while pools.last!.core.slot != slot && pools.count < 64
        for pool in pools { _ = pool.get(4096) }
        for pool in pools where pool.core.slot == slot { #expect(pool.core.cacheByteCount >= byteCount) }
        #expect(box!.range.count == 16 << 20)
        box = nil
        #expect(pools.allSatisfy { $0.statistics().returns.total == 1 })
    }

    @Test("a late return never lands in the pool that has taken over the slot")
    func lateReturnMeetsAnotherPool() async {
        // In a process of its own: it takes all the slots, and other tests count on having one.
        await #expect(processExitsWith: .success) {
            var box: LeaseBox?
            let slot: Int
            do {
                let pool = BufferPool()
                slot = pool.core.slot
                box = LeaseBox(pool.get(4096))
            }
            // As many pools as it takes to get the slot again.
            var pools: [BufferPool] = []
            repeat { pools.append(BufferPool()) } while pools.last!.core.slot != slot && pools.count < 64
            for pool in pools { _ = pool.get(4096) }
            let address = box!.range.lowerBound
            box = nil
            for pool in pools {
                let other = LeaseBox(pool.get(4096))
                #expect(other.range.lowerBound != address)
                #expect(pool.statistics().gets.fresh == 1)
            }
        }
    }
}

/// Whether `tryGet` returns nil; a lease itself does not fit into an expectation.
func refuses(_ pool: BufferPool, _ byteCount: Int) -> Bool {
    switch pool.tryGet(byteCount) {
    case .none: true
    case .some: false
    }
}

private enum NegativeSize {
    /// Gets so many bytes from a pool that has buffers of each class in the thread's cache.
    static func get(_ byteCount: Int) {
        let pool = BufferPool.builder().tlsCacheSize(2).build()
        for shift in SizeClass.minimumShift...SizeClass.maximumCachedShift { _ = pool.get(1 << shift) }
        _ = pool.get(byteCount)
    }
}
