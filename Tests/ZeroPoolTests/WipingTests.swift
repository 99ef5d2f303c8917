import TestSupport
import Testing

@testable import ZeroPool

@Suite("Wiping on return")
struct WipingTests {
    private let wiping = BufferPool.builder().tlsCacheSize(4).numShards(2).wipesOnReturn()

    /// A lease of `byteCount` bytes whose memory is full of 0x5a, past its count too.
    private func lease(_ pool: BufferPool, _ byteCount: Int) -> (box: LeaseBox, kept: KeptArena) {
        let box = LeaseBox(pool.get(byteCount))
        let kept = KeptArena(of: box)
        kept.fill(0x5a)
        return (box, kept)
    }

    @Test("memory in a thread's cache is wiped to its last byte, and gets are served from there")
    func cache() {
        let pool = wiping.build()
        for _ in 0..<10 {
            let (box, kept) = lease(pool, 65536)
            box.buffer = nil
            #expect(kept.isAll(0))
        }
        let statistics = pool.statistics()
        #expect(statistics.gets.cache == 9)
        #expect(statistics.gets.fresh == 1)
        #expect(statistics.returns.cache == 10)
        #expect(pool.leasedBufferCount == 0)
    }

    @Test("a thread's cache takes as many wiped buffers as it has room for")
    func wholeCache() {
        let pool = wiping.build()
        for _ in 0..<3 { for lease in (0..<4).map({ _ in lease(pool, 16384) }) { lease.box.buffer = nil } }
        #expect(pool.statistics().cacheSpillCount == 0)
        #expect(pool.statistics().gets.cache == 8)
    }

    @Test("a pool that does not wipe leaves what is there: the test sees memory as it is")
    func notAsked() {
        let (box, kept) = lease(BufferPool(), 65536)
        box.buffer = nil
        #expect(kept.isAll(0x5a))
    }

    @Test("more buffers than the cache takes are wiped on their way to the shard")
    func shard() {
        let pool = wiping.build()
        let leases = (0..<20).map { _ in lease(pool, 16384) }
        for lease in leases { lease.box.buffer = nil }
        #expect(leases.allSatisfy { $0.kept.isAll(0) })
        #expect(pool.statistics().cacheSpillCount > 0)
    }

    @Test("classes without a cache are wiped")
    func large() {
        let (box, kept) = lease(wiping.build(), 32 << 20)
        box.buffer = nil
        #expect(kept.isAll(0))
    }

    @Test("what a full shard puts back into its arena is wiped, and what the arena gives to the system")
    func evicted() {
        let pool = wiping.tlsCacheSize(0).maxBuffersPerShard(0).build()
        let leases = (0..<3).map { _ in lease(pool, 65536) }
        for lease in leases { lease.box.buffer = nil }
        #expect(leases.allSatisfy { $0.kept.isAll(0) })
        #expect(pool.statistics().evictionCount == 3)
        #expect(pool.statistics().idleByteCount == 0)
    }

    @Test("a return by a thread of another shard wipes")
    func foreign() {
        let pool = wiping.build()
        pool.bindCurrentThread(toShard: 0)
        let (box, kept) = lease(pool, 65536)
        onThread {
            pool.bindCurrentThread(toShard: 1)
            box.buffer = nil
            #expect(kept.isAll(0))
        }
        #expect(pool.statistics().returns.foreign == 1)
    }

    @Test("transient memory is wiped before the system has it back")
    func transient() {
        let pool = wiping.maxByteCount(0).build()
        let (box, kept) = lease(pool, 65536)
        #expect(pool.statistics().gets.transient == 1)
        box.buffer = nil
        #expect(kept.isAll(0))
    }

    @Test("the end of a detached buffer wipes")
    func detached() {
        let (box, kept) = lease(wiping.build(), 65536)
        do {
            guard let detached = box.buffer.take()?.detach() else { preconditionFailure("there is a lease") }
            #expect(kept.isAll(0x5a))
            _ = detached.count
        }
        #expect(kept.isAll(0))
    }

    @Test("the end of detached transient memory wipes")
    func detachedTransient() {
        let (box, kept) = lease(wiping.maxByteCount(0).build(), 65536)
        do {
            guard let detached = box.buffer.take()?.detach() else { preconditionFailure("there is a lease") }
            #expect(kept.isAll(0x5a))
            _ = detached.count
        }
        #expect(kept.isAll(0))
    }

    @Test("a lease that outlives its pool is wiped when it ends")
    func afterClose() {
        let pool = wiping.build()
        let (box, kept) = lease(pool, 65536)
        let (idle, keptIdle) = lease(pool, 65536)
        idle.buffer = nil
        pool.close()
        #expect(keptIdle.isAll(0))
        #expect(kept.isAll(0x5a))
        box.buffer = nil
        #expect(kept.isAll(0))
        #expect(pool.statistics().mappedByteCount > 0, "kept by the test alone")
    }
}
