import CZeroPool
import Synchronization

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Hands out the thread-local slots to the pools of this process.
enum PoolSlots {
    private struct State {
        var used: UInt64 = 1 << UInt64(ZEROPOOL_UNCACHED_SLOT)
        var generation: UInt64 = 0
        /// By slot, as long as the longest cache that ever hung there.
        var cacheByteCounts = Array(repeating: 0, count: Int(ZEROPOOL_SLOT_COUNT))
    }

    private static let state = Locked(State())
    private static let closed = Atomic<UInt64>(0)

    /// How many pools have been closed so far, in this process.
    fileprivate static var closedPoolCount: UInt64 { closed.load(ordering: .acquiring) }

    static func countClosedPool() { closed.add(1, ordering: .releasing) }

    /// The lowest free slot, or the one that stays empty when all are taken; a generation that no other pool of this process
    /// has or had; and how long the pool's caches have to be, at least `cacheByteCount`.
    ///
    /// Longer where an earlier pool of that slot had longer ones: its late leases look for their magazine by their own
    /// pool's layout, and must find zeroes there, not the end of the cache.
    static func take(cacheByteCount: Int) -> (slot: Int, generation: UInt64, cacheByteCount: Int) {
        state.withLock { state in
            let slot = (~state.used).trailingZeroBitCount
            // Never zero: that is no pool's tag.
            state.generation += 1
            guard slot < 64 else { return (Int(ZEROPOOL_UNCACHED_SLOT), state.generation, cacheByteCount) }
            state.used |= 1 << UInt64(slot)
            state.cacheByteCounts[slot] = max(state.cacheByteCounts[slot], cacheByteCount)
            return (slot, state.generation, state.cacheByteCounts[slot])
        }
    }

    /// Where the slot that stays empty is, from the thread pointer.
    static let uncachedSlotOffset = offset(of: Int(ZEROPOOL_UNCACHED_SLOT))

    /// Where a slot is, from the thread pointer: in every thread at the same distance.
    static func offset(of slot: Int) -> Int32 { Int32(zeropool_slot_offset(UInt64(slot))) }

    /// Frees a slot that no thread has a cache in any more.
    static func giveBack(_ slot: Int) {
        guard slot != Int(ZEROPOOL_UNCACHED_SLOT) else { return }
        state.withLock { $0.used &= ~(1 << UInt64(slot)) }
    }

    /// The calling thread's ordinal: 1, 2, 3 … in order of first use.
    static var currentThreadOrdinal: Int {
        let thread = unsafe zeropool_current_thread()
        if unsafe thread.pointee.ordinal == 0 {
            unsafe thread.pointee.ordinal = threads.add(1, ordering: .relaxed).newValue
        }
        return unsafe Int(truncatingIfNeeded: thread.pointee.ordinal)
    }

    private static let threads = Atomic<UInt64>(0)
}

/// What becomes of a thread's caches: they go home when it ends, and those of closed pools when it next comes by.
enum ThreadExit {
    /// A key whose destructor runs at the end of each thread that set it.
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        let result = unsafe pthread_key_create(&key) { _ in ThreadExit.reclaimAll() }
        precondition(result == 0, "ZeroPool: no thread-specific key is left (PTHREAD_KEYS_MAX)")
        return key
    }()

    /// Has the calling thread's caches reclaimed when it ends.
    static func watchCurrentThread() {
        // Any value but nil: it only makes the destructor run.
        unsafe _ = pthread_setspecific(key, UnsafeRawPointer(bitPattern: 1))
    }

    /// Destructors of other thread-specific data may still return leases after this one: they go to their shards.
    private static func reclaimAll() {
        unsafe zeropool_current_thread().pointee.is_exiting = 1
        unsafe forEachCache { unsafe $0.core.reclaim($0) }
    }

    /// Whether a pool was closed since the calling thread last looked.
    static var isClosedPoolUnseen: Bool {
        unsafe zeropool_current_thread().pointee.seen_closed_pool_count != PoolSlots.closedPoolCount
    }

    /// Reclaims the calling thread's caches of pools that have been closed since it last looked. Cheap when none has.
    static func reclaimClosed() {
        let closedPoolCount = PoolSlots.closedPoolCount
        let thread = unsafe zeropool_current_thread()
        guard unsafe thread.pointee.seen_closed_pool_count != closedPoolCount else { return }
        unsafe thread.pointee.seen_closed_pool_count = closedPoolCount
        unsafe forEachCache { cache in
            if unsafe cache.core.isClosed { unsafe cache.core.reclaim(cache) }
        }
    }

    private static func forEachCache(_ body: (ThreadCache) -> Void) {
        for slot in 0..<UInt64(ZEROPOOL_UNCACHED_SLOT) where zeropool_slot_is_empty(slot) == 0 {
            unsafe body(ThreadCache(address: zeropool_slot(slot)))
        }
    }
}

extension ThreadCache {
    init(address: UnsafeMutableRawPointer) { unsafe self.address = unsafe address }
}
