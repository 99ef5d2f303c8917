import Testing

@testable import ZeroPool

@Suite("A shard's byte limit")
struct ShardLimitTests {
    /// Two shards of one arena each, without caches that would keep what is returned.
    private func makePool(cache: Int = 0, perShard: Int = 16) -> BufferPool {
        BufferPool.builder().tlsCacheSize(cache).maxBuffersPerShard(perShard).numShards(2)
            .maxByteCountPerShard(2 << 20).build()
    }

    @Test("past it tryGet is nil and get is transient, and other shards have what is theirs")
    func onePastItsLimit() {
        let pool = makePool()
        pool.bindCurrentThread(toShard: 0)
        var boxes = (0..<8).map { _ in LeaseBox(pool.tryGet(262_144)!) }
        #expect(refuses(pool, 262_144))
        #expect(refuses(pool, 4096))
        do {
            let transient = pool.get(262_144)
            #expect(transient.location.arena > Arena.maximumCountPerShard)
        }
        pool.bindCurrentThread(toShard: 1)
        boxes += (0..<8).map { _ in LeaseBox(pool.tryGet(262_144)!) }
        #expect(boxes.suffix(8).allSatisfy { $0.location.shard == 1 })
        #expect(refuses(pool, 262_144))
        pool.bindCurrentThread(toShard: 0)
        boxes.removeFirst()
        #expect(!refuses(pool, 262_144))
        let gets = pool.statistics().gets
        #expect(gets.refused == 3)
        #expect(gets.transient == 1)
        #expect(gets.fresh == 16)
    }

    @Test("a limit below an arena serves nothing")
    func belowAnArena() {
        let pool = BufferPool.builder().numShards(1).maxByteCountPerShard((2 << 20) - 1).build()
        #expect(refuses(pool, 4096))
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("arenas of large classes count with their size, and what is unmapped is free for others")
    func largeClasses() {
        let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).numShards(1)
            .maxByteCountPerShard(8 << 20).build()
        do {
            let large = LeaseBox(pool.tryGet(4 << 20)!)
            let small = LeaseBox(pool.tryGet(4096)!)
            #expect(refuses(pool, 4 << 20))
            #expect(!refuses(pool, 2 << 20))
            #expect(large.location.arena != small.location.arena)
        }
        #expect(!refuses(pool, 8 << 20))
        #expect(refuses(pool, 16 << 20))
    }

    @Test("arenas that an observer still holds count")
    func whatCounts() {
        let emptied = makePool(perShard: 0)
        emptied.bindCurrentThread(toShard: 0)
        var observer = emptied.observeArenas(ofShard: 0)
        do {
            let lease = LeaseBox(emptied.tryGet(65536)!)
            observer.poll { _ in .hold }
            #expect(lease.location.shard == 0)
        }
        #expect(emptied.statistics().mappedByteCount == 2 << 20)
        #expect(refuses(emptied, 2 << 20))
        observer.poll { _ in .release }
        #expect(!refuses(emptied, 2 << 20))
    }
}
