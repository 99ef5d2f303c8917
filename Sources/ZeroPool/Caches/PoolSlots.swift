import CZeroPool
import Synchronization

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
    static var closedPoolCount: UInt64 { closed.load(ordering: .acquiring) }

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
