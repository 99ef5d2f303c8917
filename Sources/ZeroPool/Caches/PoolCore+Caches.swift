import CZeroPool
import Synchronization

/// The register of thread caches: who has one, and how it begins and ends.
extension PoolCore {
    /// The calling thread's cache, made if need be; nil for a pool without slot or closed, and in a thread's last
    /// moments.
    func threadCache() -> ThreadCache? {
        guard isCached, !isClosed else { return nil }
        let slot = UInt64(slot)
        if let cache = unsafe existingCache {
            unsafe cache.heedRequests()
            return unsafe cache
        }
        guard unsafe zeropool_current_thread().pointee.is_exiting == 0 else { return nil }
        return unsafe register.withLock { register in
            // Under the lock that `close` takes: either it sees this cache, or this sees it closed.
            guard !isClosed else { return nil }
            let cache = unsafe ThreadCache(core: self, shardIndex: register.threadCount & (shards.count - 1))
            register.threadCount += 1
            unsafe cache.header.pointee.next = unsafe register.first
            unsafe register.first?.header.pointee.previous = unsafe cache
            unsafe register.first = unsafe cache
            unsafe zeropool_set_slot(slot, cache.address)
            ThreadExit.watchCurrentThread()
            return unsafe cache
        }
    }

    /// The calling thread's cache, where it has one.
    var existingCache: ThreadCache? {
        guard isCached, !isClosed, zeropool_slot_is_empty(UInt64(slot)) == 0 else { return nil }
        let cache = unsafe ThreadCache(address: zeropool_slot(UInt64(slot)))
        assert(unsafe cache.core === self, "a slot holds caches of its pool alone")
        return unsafe cache
    }

    /// The calling thread's shard: that of its cache, or by turns where it has none.
    func shard(of cache: ThreadCache?) -> Shard {
        shards[unsafe cache?.shardIndex ?? PoolSlots.currentThreadOrdinal & (shards.count - 1)]
    }

    /// How many buffers are in the thread caches' magazines.
    var cachedBufferCount: Int {
        register.withLock { register in
            var count = 0
            unsafe forEachCache(register) { unsafe count += $0.cachedCount }
            return count
        }
    }

    var trimRequestCount: UInt32 { trimRequests.load(ordering: .acquiring) }

    /// Ends the calling thread's cache: all it holds goes home.
    func reclaim(_ cache: ThreadCache) {
        unsafe cache.drain()
        zeropool_clear_slot(UInt64(slot))
        register.withLock { register in
            let (previous, next) = unsafe (cache.header.pointee.previous, cache.header.pointee.next)
            unsafe next?.header.pointee.previous = unsafe previous
            if let previous = unsafe previous {
                unsafe previous.header.pointee.next = unsafe next
            } else {
                unsafe register.first = unsafe next
            }
            unsafe addCounts(of: cache, to: &register.retired)
            giveBackSlotIfUnused(&register)
        }
        unsafe cache.deallocate()
    }

    func giveBackSlotIfUnused(_ register: inout Register) {
        guard isClosed, register.isHandleGone, register.isSlotTaken, unsafe register.first == nil else { return }
        register.isSlotTaken = false
        PoolSlots.giveBack(slot)
    }

    /// Binds the calling thread to a shard. Traps when there is no such shard.
    func bindCurrentThread(toShard index: Int) {
        precondition(shards.indices.contains(index), "there is no shard \(index); the pool has \(shards.count)")
        guard let cache = unsafe threadCache() else { return }
        guard unsafe cache.shardIndex != index else { return }
        unsafe cache.drain()
        // Under the lock that `close` takes: tags that it has cleared stay so.
        register.withLock { _ in
            if !isClosed { unsafe cache.bind(toShard: index) }
        }
    }

    func forEachCache(_ register: Register, _ body: (ThreadCache) -> Void) {
        var cache = unsafe register.first
        while let current = unsafe cache {
            unsafe body(current)
            unsafe cache = unsafe current.header.pointee.next
        }
    }
}
