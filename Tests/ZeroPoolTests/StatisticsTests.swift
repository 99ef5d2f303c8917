import TestSupport
import Testing

@testable import ZeroPool

@Suite("Statistics")
struct StatisticsTests {
    typealias Line = BufferPool.ClassStatistics

    private func line(_ pool: BufferPool, _ byteCount: Int?) -> Line {
        pool.statistics().classes.first { $0.bufferByteCount == byteCount } ?? Line(bufferByteCount: byteCount)
    }

    @Test("a pool that was never used has no classes and all figures zero")
    func unused() {
        let pool = BufferPool()
        #expect(pool.statistics() == BufferPool.Statistics())
        #expect(pool.statistics().classes.isEmpty)
    }

    @Test("gets count by tier, in the class of the buffer that served, and returns by where they went")
    func tiers() {
        let pool = BufferPool.builder().tlsCacheSize(4).maxBuffersPerShard(16).numShards(1).build()
        do { _ = pool.get(65536) }
        do { _ = pool.get(65536) }
        var expected = Line(bufferByteCount: 65536)
        expected.gets.fresh = 1
        expected.gets.cache = 1
        expected.returns.cache = 2
        expected.cachedCount = 1
        expected.maxAwayCount = 1
        #expect(pool.statistics().classes == [expected])

        // Six at once: one from the cache, five fresh; four fit into the cache, which hands half of itself on for the next.
        let boxes = (0..<6).map { _ in LeaseBox(pool.get(40_000)) }
        expected.gets.cache += 1
        expected.gets.fresh += 5
        expected.cachedCount = 0
        expected.outCount = 6
        expected.maxAwayCount = 6
        #expect(pool.statistics().classes == [expected])
        for box in boxes { box.buffer = nil }
        expected.outCount = 0
        expected.returns.cache += 6
        expected.cacheSpillCount = 2
        expected.cachedCount = 4
        expected.idleCount = 2
        expected.maxIdleCount = 2
        #expect(pool.statistics().classes == [expected])

        // The next class up serves a get that none of its own is idle for.
        do { _ = pool.get(32_768) }
        expected.gets.shard = 1
        // Its cache is full: half of it goes, and the buffer comes in.
        expected.returns.cache += 1
        expected.cacheSpillCount += 2
        expected.cachedCount = 3
        expected.idleCount = 3
        expected.maxIdleCount = 3
        #expect(pool.statistics().classes == [expected])
    }

    @Test("classes without a cache return home, and those of a closed pool")
    func home() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(1).build()
        do { _ = pool.get(32 << 20) }
        #expect(line(pool, 32 << 20).returns.home == 1)
        #expect(line(pool, 32 << 20).idleByteCount == 32 << 20)
        let box = LeaseBox(pool.get(4096))
        pool.close()
        box.buffer = nil
        #expect(line(pool, 4096).returns.home == 1)
        #expect(line(pool, 4096).outCount == 0)
    }

    @Test("transient and refused gets count in the class that was asked for, and above 1 GiB where there is none")
    func pastTheLimits() throws {
        let pool = BufferPool.builder().numShards(1).maxByteCount(0).build()
        let small = LeaseBox(pool.get(5000))
        let large = LeaseBox(pool.get(1 << 30 + 1))
        let isRefused = pool.tryGet(5000) == nil && pool.tryGet(1 << 40) == nil
        try #require(isRefused)
        var statistics = pool.statistics()
        #expect(statistics.classes.map(\.bufferByteCount) == [8192, nil])
        #expect(statistics.classes.map(\.gets.transient) == [1, 1])
        #expect(statistics.classes.map(\.gets.refused) == [1, 1])
        // With a type of its own: in the comparison this sum takes the compiler seconds.
        let byteCounts: [Int] = [2 << 20, 1 << 30 + 2 << 20]
        #expect(statistics.classes.map(\.transientByteCount) == byteCounts)
        #expect(statistics.classes.map(\.outByteCount) == byteCounts)
        #expect(statistics.outCount == 2)
        #expect(statistics.transientCount == 2)
        #expect(statistics.mappedByteCount == 1 << 30 + 4 << 20)

        large.buffer = nil
        do { _ = small.buffer.take()!.detach() }
        statistics = pool.statistics()
        #expect(statistics.classes.map(\.returns.transient) == [0, 1])
        #expect(statistics.classes.map(\.returns.detached) == [1, 0])
        #expect(statistics.transientByteCount == 0 && statistics.outByteCount == 0)
        #expect(statistics.highWater.mappedByteCount == 1 << 30 + 4 << 20)
    }

    @Test("high-water marks stay when what they marked is gone")
    func highWater() {
        let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(3).numShards(1).build()
        var boxes = (0..<40).map { _ in LeaseBox(pool.get(65536)) }
        boxes += (0..<2).map { _ in LeaseBox(pool.get(1 << 20)) }
        boxes.removeAll()
        let statistics = pool.statistics()
        #expect(statistics.highWater.mappedByteCount == 6 << 20)
        #expect(statistics.highWater.awayByteCount == 40 * 65536 + 2 << 20)
        #expect(statistics.highWater.idleByteCount == 3 * 65536 + 2 << 20)
        #expect(statistics.classes.map(\.maxAwayCount) == [40, 2])
        #expect(statistics.classes.map(\.maxIdleCount) == [3, 2])
        #expect(statistics.classes.map(\.evictionCount) == [37, 0])
        pool.close()
        #expect(pool.statistics().idleCount == 0)
        #expect(pool.statistics().highWater == statistics.highWater)
    }

    @Test("a difference has what happened in between, and what is held now")
    func since() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(1).build()
        do { _ = pool.get(65536) }
        let earlier = pool.statistics()
        let box = LeaseBox(pool.get(65536))
        let other = LeaseBox(pool.get(4096))
        let difference = pool.statistics().since(earlier)
        #expect(difference.classes.map(\.bufferByteCount) == [4096, 65536])
        #expect(difference.classes.map(\.gets.fresh) == [1, 0])
        #expect(difference.classes.map(\.gets.cache) == [0, 1])
        #expect(difference.returns.total == 0)
        #expect(difference.outCount == 2)
        #expect(difference.mappedByteCount == 2 << 20)
        #expect(pool.statistics().since(pool.statistics()).gets == BufferPool.Statistics.Gets())
        box.buffer = nil
        other.buffer = nil
    }

    @Test("what threads counted stays when they end, and what they had on its way counts as cached")
    func threads() {
        let pool = BufferPool.builder().tlsCacheSize(8).numShards(2).build()
        pool.bindCurrentThread(toShard: 0)
        let boxes = (0..<3).map { _ in LeaseBox(pool.get(65536)) }
        onThread {
            pool.bindCurrentThread(toShard: 1)
            for box in boxes { box.buffer = nil }
            for _ in 0..<10 { _ = pool.get(65536) }
            let during = pool.statistics()
            #expect(during.returns.foreign == 3)
            #expect(during.outCount == 0)
            // Three in the outbox, one in the magazine.
            #expect(during.cachedCount == 4)
            #expect(during.idleCount == 0)
        }
        let after = pool.statistics()
        #expect(after.gets.cache == 9)
        #expect(after.gets.fresh == 4)
        #expect(after.returns.cache == 10)
        #expect(after.returns.foreign == 3)
        #expect(after.cacheSpillCount == 1)
        #expect(after.cachedCount == 0)
        #expect(after.idleCount == 4)
    }
}
