import TestSupport
import Glibc
import Synchronization
import Testing

@testable import ZeroPool

/// A thread is bound to another shard while the pool closes. The close clears the tags of all caches, so that late returns go
/// home; the binding sets them, and must not do so any more.
@Suite("Rebinding while the pool closes")
struct RebindingTests {
    /// Whether any thread's magazine still takes buffers.
    private static func takesBuffers(_ core: PoolCore) -> Bool {
        core.register.withLock { register in
            var takesBuffers = false
            core.forEachCache(register) { cache in
                for shift in core.layout.cachedShifts
                where cache.magazine(shift: shift).pointee.homeTag.load(ordering: .relaxed) != 0 { takesBuffers = true }
            }
            return takesBuffers
        }
    }

    /// Waits, though not for ever.
    private static func becomesTrue(_ condition: () -> Bool) -> Bool {
        for _ in 0..<10_000 {
            if condition() { return true }
            usleep(1000)
        }
        return false
    }

    @Test("a thread that began to be bound before the close takes nothing after it")
    func closedMeanwhile() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(2).build()
        let core = pool.core
        let (hasCached, isHeld, hasClosed) = (Gate(), Gate(), Gate())
        let thread = Thread {
            pool.bindCurrentThread(toShard: 0)
            let late = LeaseBox(pool.get(4096))
            do { _ = pool.get(4096) }
            hasCached.open()
            isHeld.wait()
            // Waits on its way, with what it had cached in its hands, for the shard's lock.
            pool.bindCurrentThread(toShard: 1)
            hasClosed.wait()
            #expect(!Self.takesBuffers(core))
            late.buffer = nil
            #expect(core.statistics().mappedByteCount == 0, "a late return goes home")
        }
        hasCached.wait()
        let closer = core.shards[0].state.withLock { _ in
            isHeld.open()
            #expect(Self.becomesTrue { core.cachedBufferCount == 0 })
            let closer = Thread { pool.close() }
            // The closer waits for the shard's lock as well, after it has cleared the tags.
            #expect(Self.becomesTrue { core.isClosed && !Self.takesBuffers(core) })
            return closer
        }
        closer.join()
        hasClosed.open()
        thread.join()
    }

    @Test("nor one that is bound in the same moment")
    func closedAtOnce() {
        for _ in 0..<300 {
            let pool = BufferPool.builder().tlsCacheSize(1).numShards(2).build()
            let (isBinding, hasClosed) = (Gate(), Gate())
            let thread = Thread {
                pool.bindCurrentThread(toShard: 0)
                isBinding.open()
                var shard = 0
                while !pool.core.isClosed {
                    shard ^= 1
                    pool.bindCurrentThread(toShard: shard)
                }
                hasClosed.wait()
                #expect(!Self.takesBuffers(pool.core))
            }
            isBinding.wait()
            pool.close()
            hasClosed.open()
            thread.join()
        }
    }
}
