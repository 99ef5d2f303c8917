import Testing

@testable import ZeroPool

/// At a byte limit idle memory of other classes makes room before a get is refused.
@Suite("Reclaiming at a byte limit")
struct ReclaimingTests {
    private func makePool(cache: Int = 0, shards: Int = 1, limit: Int = .max, perShard: Int = .max) -> BufferPool {
        BufferPool.builder().tlsCacheSize(cache).maxBuffersPerShard(1024).numShards(shards).maxByteCount(limit)
            .maxByteCountPerShard(perShard).maxIdleByteCount(1 << 30).maxIdleSeconds(.infinity).build()
    }

    /// Leaves `count` buffers of `byteCount` idle.
    private func leaveIdle(_ pool: BufferPool, count: Int, _ byteCount: Int) {
        let boxes = (0..<count).map { _ in LeaseBox(pool.tryGet(byteCount)!) }
        withExtendedLifetime(boxes) {}
    }

    @Test("small idle buffers make room for a large one, and a large one for small ones, without new memory")
    func withinAnArena() {
        let pool = makePool(limit: 2 << 20)
        leaveIdle(pool, count: 512, 4096)
        #expect(pool.statistics().idleByteCount == 2 << 20)
        do {
            let large = LeaseBox(pool.tryGet(1 << 20)!)
            #expect(pool.statistics().idleCount == 256)
            let evictionCount = pool.statistics().evictionCount
            #expect(evictionCount == 256, "no more than was needed")
            #expect(pool.statistics().gets.fresh == 513 && pool.statistics().outCount == 1)
            withExtendedLifetime(large) {}
        }
        leaveIdle(pool, count: 512, 4096)
        #expect(pool.statistics().mappedByteCount == 2 << 20)
        #expect(pool.statistics().highWater.mappedByteCount == 2 << 20)
        #expect(pool.statistics().gets.refused == 0)
    }

    @Test("the lowest place makes room, and what is free within it counts; other arenas keep what is idle")
    func lowestPlace() {
        let pool = makePool(limit: 4 << 20)
        // Of the second arena's upper half only a part was ever carved.
        leaveIdle(pool, count: 512 + 384, 4096)
        let found = (0..<4).map { _ in LeaseBox(pool.tryGet(1 << 20)!) }
        #expect(found.map(\.location.arena) == [0, 0, 1, 1])
        #expect(found[0].range.upperBound == found[1].range.lowerBound)
        #expect(found[2].range.upperBound == found[3].range.lowerBound)
        #expect(pool.statistics().idleCount == 0 && pool.statistics().evictionCount == 512 + 384)
        let other = makePool(limit: 4 << 20)
        leaveIdle(other, count: 1024, 4096)
        let one = LeaseBox(other.tryGet(1 << 20)!)
        #expect(one.location.arena == 0 && other.statistics().idleCount == 1024 - 256)
        withExtendedLifetime(found + [one]) {}
    }

    @Test("what is leased stays where it is, and only what is idle beside it makes room")
    func besideLeases() {
        let pool = makePool(limit: 2 << 20)
        var boxes = (0..<512).map { index in LeaseBox(pool.tryGet(4096)!) }
        boxes.sort { $0.range.lowerBound < $1.range.lowerBound }
        // One page of each 64 KiB but the last stays out: nowhere else are 64 KiB free of leases.
        let kept = stride(from: 5, to: 496, by: 16).map { boxes[$0] }
        let lastRange = boxes[496].range.lowerBound..<boxes[511].range.upperBound
        boxes = []
        #expect(refuses(pool, 128 << 10))
        #expect(pool.statistics().idleCount == 512 - kept.count, "nothing is given up in vain")
        do {
            let found = LeaseBox(pool.tryGet(64 << 10)!)
            #expect(found.range == lastRange)
            #expect(refuses(pool, 64 << 10))
            for box in kept { #expect(!box.range.overlaps(found.range)) }
        }
    }

    @Test("idle arenas go for one of another size, of large classes and of small ones, and come back")
    func wholeArenas() {
        let pool = makePool(limit: 8 << 20)
        leaveIdle(pool, count: 1, 8 << 20)
        leaveIdle(pool, count: 4, 1 << 20)
        leaveIdle(pool, count: 2, 4 << 20)
        #expect(pool.statistics().evictionCount == 1 + 4)
        leaveIdle(pool, count: 512 * 4, 4096)
        leaveIdle(pool, count: 1, 8 << 20)
        #expect(pool.statistics().gets.refused == 0)
        #expect(pool.statistics().highWater.mappedByteCount == 8 << 20)
        #expect(refuses(pool, 16 << 20))
        #expect(pool.statistics().idleByteCount == 8 << 20, "for what can never be served nothing is given up")
    }

    @Test("no more arenas go than are needed, of the thread's own shard and of others")
    func noMoreThanNeeded() {
        let pool = makePool(shards: 4, limit: 8 << 20)
        pool.bindCurrentThread(toShard: 0)
        leaveIdle(pool, count: 8, 1 << 20)
        leaveIdle(pool, count: 1, 2 << 20)
        #expect(pool.statistics().idleByteCount == 8 << 20, "one of four, in place of which another is idle now")
        pool.clear()
        for (shard, count) in [(0, 4), (1, 2), (2, 2)] {
            pool.bindCurrentThread(toShard: shard)
            leaveIdle(pool, count: count, 1 << 20)
        }
        // The own arena, and one of the two of the first shard.
        let lease = LeaseBox(pool.tryGet(4 << 20)!)
        #expect(pool.statistics().idleByteCount == 4 << 20)
        withExtendedLifetime(lease) {}
    }

    @Test("what is too old by then makes room as well, in the same get")
    func oldMemory() {
        let clock = HandClock(tick: 0)
        let configuration = BufferPool.builder().tlsCacheSize(0).numShards(1).maxByteCountPerShard(2 << 20)
            .maxIdleSeconds(1).configuration
        let pool = BufferPool(configuration, clock: .byHand(clock))
        leaveIdle(pool, count: 1, 2 << 20)
        clock.advance(seconds: 5)
        #expect(!refuses(pool, 4096))
    }

    @Test("at a shard's limit its own idle memory makes room, never another's")
    func ofOneShard() {
        let pool = makePool(shards: 2, perShard: 4 << 20)
        pool.bindCurrentThread(toShard: 1)
        leaveIdle(pool, count: 1, 4 << 20)
        pool.bindCurrentThread(toShard: 0)
        leaveIdle(pool, count: 4, 1 << 20)
        leaveIdle(pool, count: 1, 4 << 20)
        #expect(pool.statistics().idleByteCount == 8 << 20)
        do {
            let lease = LeaseBox(pool.tryGet(4096 * 1024)!)
            #expect(refuses(pool, 4096))
            withExtendedLifetime(lease) {}
        }
        #expect(pool.statistics().idleByteCount == 8 << 20)
    }

    @Test("at the pool's limit other shards' idle memory makes room")
    func ofOtherShards() {
        let pool = makePool(shards: 4, limit: 8 << 20)
        for shard in 0..<4 {
            pool.bindCurrentThread(toShard: shard)
            leaveIdle(pool, count: 2, 1 << 20)
        }
        pool.bindCurrentThread(toShard: 2)
        do {
            let lease = LeaseBox(pool.tryGet(8 << 20)!)
            #expect(pool.statistics().idleByteCount == 0)
            withExtendedLifetime(lease) {}
        }
        #expect(pool.statistics().gets.refused == 0)
    }

    @Test("what the thread's own cache holds of other classes makes room too")
    func ofTheCache() {
        let pool = makePool(cache: 16, limit: 32 << 20)
        // 8 arenas whose buffers the cache holds, the rest leased.
        let boxes = (0..<7).map { _ in LeaseBox(pool.tryGet(4 << 20)!) }
        leaveIdle(pool, count: 1, 2 << 20)
        leaveIdle(pool, count: 1, 512 << 10)
        #expect(pool.statistics().cachedCount == 2)
        #expect(!refuses(pool, 4 << 20))
        #expect(pool.statistics().mappedByteCount == 32 << 20)
        withExtendedLifetime(boxes) {}
    }

    @Test("a buffer of the next class up that comes out of the cache serves as it is")
    func ofTheCacheAsItIs() {
        let pool = makePool(cache: 16, limit: 4 << 20)
        leaveIdle(pool, count: 1, 4 << 20)
        let lease = LeaseBox(pool.tryGet(2 << 20)!)
        #expect(lease.range.count == 4 << 20 && pool.statistics().evictionCount == 0)
    }

    @Test("what an observer holds makes room once it consents, and no sooner")
    func heldArenas() {
        let pool = makePool(limit: 4 << 20)
        var observer = pool.observeArenas(ofShard: 0)
        leaveIdle(pool, count: 4, 1 << 20)
        observer.poll { _ in .hold }
        #expect(refuses(pool, 4 << 20))
        #expect(pool.statistics().mappedByteCount == 4 << 20)
        observer.poll { _ in .release }
        #expect(!refuses(pool, 4 << 20))
        // Within an arena nobody's consent is needed: it stays.
        leaveIdle(pool, count: 1, 4 << 20)
        observer.poll { _ in .release }
        leaveIdle(pool, count: 512, 4096)
        observer.poll { _ in .hold }
        #expect(!refuses(pool, 1 << 20))
    }

    @Test("what nobody holds goes first")
    func unheldFirst() {
        let pool = makePool(limit: 8 << 20)
        var observer = pool.observeArenas(ofShard: 0)
        do {
            let held = LeaseBox(pool.tryGet(4 << 20)!)
            observer.poll { _ in .hold }
            let declined = LeaseBox(pool.tryGet(4 << 20)!)
            observer.poll { _ in .release }
            withExtendedLifetime((held, declined)) {}
        }
        #expect(!refuses(pool, 1 << 20))
        #expect(pool.statistics().mappedByteCount == 6 << 20)
    }

    @Test("what nobody holds of another shard goes before what is held of the own")
    func unheldOfOthersFirst() {
        let pool = makePool(shards: 2, limit: 8 << 20)
        pool.bindCurrentThread(toShard: 1)
        leaveIdle(pool, count: 1, 4 << 20)
        pool.bindCurrentThread(toShard: 0)
        var observer = pool.observeArenas(ofShard: 0)
        leaveIdle(pool, count: 1, 4 << 20)
        observer.poll { _ in .hold }
        #expect(!refuses(pool, 1 << 20))
        #expect(pool.statistics().mappedByteCount == 6 << 20)
    }

    @Test("a debugging pool's poison ends where idle memory makes room")
    func debugging() {
        let pool = BufferPool.builder().numShards(1).maxByteCount(2 << 20).debugging(true).build()
        leaveIdle(pool, count: 512, 4096)
        do {
            var lease = pool.tryGet(1 << 20)!
            lease.append { output in output.append(repeating: 7, count: 1 << 20, as: UInt8.self) }
        }
        leaveIdle(pool, count: 512, 4096)
    }
}
