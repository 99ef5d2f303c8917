import TestSupport
import Synchronization
import Testing

@testable import ZeroPool

@Suite("PoolHandle")
struct PoolHandleTests {
    @Test(
        "serves leases of its class from the thread's cache, and shares that with the pool",
        arguments: [0, 1, 5000, 65536])
    func servesFromTheCache(byteCount: Int) {
        let pool = BufferPool.builder().tlsCacheSize(4).build()
        let handle = pool.handle(byteCount)
        #expect(handle.byteCount == byteCount)
        let first = LeaseBox(pool.get(byteCount))
        let range = first.range
        #expect(range.count >= byteCount)
        first.buffer = nil
        let second = LeaseBox(handle.get())
        #expect(second.range == range)
        second.buffer = nil
        let third = LeaseBox(pool.get(max(1, byteCount)))
        #expect(third.range == range)
        let gets = pool.statistics().gets
        #expect(gets.cache == 2)
        #expect(gets.fresh == 1)
    }

    @Test("one handle serves each thread from that thread's cache and shard")
    func servesEachThread() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(4).build()
        let handle = pool.handle(8192)
        for shard in [2, 0, 3] {
            pool.bindCurrentThread(toShard: shard)
            let lease = handle.get()
            let home = lease.location.shard
            #expect(home == shard)
        }
        let other = SharedHandle(pool.handle(8192))
        onThread {
            pool.bindCurrentThread(toShard: 1)
            for _ in 0..<10 {
                let lease = other.handle.get()
                let home = lease.location.shard
                #expect(home == 1)
            }
        }
        // Each thread's first get of a shard is fresh, the rest are its own cache's.
        let gets = pool.statistics().gets
        #expect(gets.fresh == 4)
        #expect(gets.cache == 9)
    }

    @Test("a handle moved from a thread that has ended serves from the cache of the thread that it is on")
    func outlivesItsThread() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(1).build()
        let mailbox = Locked<SharedHandle?>(nil)
        onThread {
            let handle = SharedHandle(pool.handle(4096))
            for _ in 0..<3 { _ = handle.handle.get() }
            mailbox.withLock { $0 = handle }
        }
        let handle = mailbox.withLock { $0! }
        let lease = handle.handle.get()
        let capacity = lease.capacity
        #expect(capacity == 4096)
        // The ended thread's buffer went to the shard, and came from there.
        let gets = pool.statistics().gets
        #expect(gets.fresh == 1)
        #expect(gets.shard == 1)
        #expect(pool.leasedBufferCount == 1)
        _ = consume lease
    }

    @Test("keeps its pool from closing; closed, the pool serves it as it serves others")
    func keepsThePool() {
        var pool: BufferPool? = BufferPool.builder().tlsCacheSize(2).build()
        weak let observed = pool
        let handle = pool!.handle(65536)
        pool = nil
        do {
            let isServed = handle.tryGet() != nil
            #expect(isServed)
        }
        #expect(observed != nil)
        handle.pool.close()
        let isServed = handle.tryGet() != nil
        #expect(!isServed)
        let transient = handle.get()
        let capacity = transient.capacity
        #expect(capacity >= 65536)
        #expect(handle.pool.statistics().gets.transient == 1)
        _ = consume transient
        #expect(handle.pool.statistics().mappedByteCount == 0)
    }

    @Test("a pool without thread caches serves it from its shards")
    func uncached() {
        let pool = BufferPool.builder().tlsCacheSize(0).numShards(1).build()
        let handle = pool.handle(65536)
        for _ in 0..<10 { _ = handle.get() }
        let gets = pool.statistics().gets
        #expect(gets.cache == 0)
        #expect(gets.fresh == 1)
        #expect(gets.shard == 9)
    }

    @Test("above 1 GiB it serves transient memory, and tryGet nothing")
    func tooLarge() {
        let pool = BufferPool()
        let handle = pool.handle(1 << 30 + 1)
        let isServed = handle.tryGet() != nil
        #expect(!isServed)
        let lease = handle.get()
        let capacity = lease.capacity
        #expect(capacity > 1 << 30)
        let gets = pool.statistics().gets
        #expect(gets.refused == 1)
        #expect(gets.transient == 1)
    }

    @Test("a buffer of the next class, got for want of its own, goes back to its own class")
    func nextClassGoesHome() {
        let pool = BufferPool.builder().tlsCacheSize(1).numShards(1).maxBuffersPerShard(4).build()
        // One of 8 KiB in the shard, none of 4 KiB.
        onThread { _ = pool.get(8192) }
        let handle = pool.handle(4096)
        do {
            let lease = handle.get()
            let capacity = lease.capacity
            #expect(capacity == 8192)
        }
        // It is in the magazine of 8 KiB now, and 4 KiB has none yet.
        do {
            let lease = pool.get(8192)
            let capacity = lease.capacity
            #expect(capacity == 8192)
            let small = handle.get()
            let smallCapacity = small.capacity
            #expect(smallCapacity == 4096)
        }
        let gets = pool.statistics().gets
        #expect(gets.fresh == 2)
        #expect(gets.shard == 1)
        #expect(gets.cache == 1)
    }

    @Test("a negative size traps")
    func negativeSize() async {
        await #expect(processExitsWith: .failure) { _ = BufferPool().handle(-1) }
    }
}

/// A handle that threads share.
private final class SharedHandle: Sendable {
    let handle: PoolHandle

    init(_ handle: consuming PoolHandle) { self.handle = handle }
}
