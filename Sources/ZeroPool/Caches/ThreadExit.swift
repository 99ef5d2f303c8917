import CZeroPool

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

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
