import CZeroPool
import Synchronization

/// The slow paths of gets and returns: what no magazine could do.
extension PoolCore {
    /// Serves what no magazine could, for that line of source; nil past the limits, unless `isTransientAllowed`.
    func getSlow(_ byteCount: Int, isTransientAllowed: Bool, site: LeaseSite) -> DescriptorPointer? {
        let descriptor = unsafe serve(byteCount, isTransientAllowed: isTransientAllowed)
        if let ledger, let descriptor = unsafe descriptor { unsafe ledger.noteLease(descriptor, at: site) }
        return unsafe descriptor
    }

    private func serve(_ byteCount: Int, isTransientAllowed: Bool) -> DescriptorPointer? {
        precondition(byteCount >= 0, "a buffer's byte count is not negative")
        ThreadExit.reclaimClosed()
        let shift = SizeClass.shift(
            for: max(1, byteCount), smallest: SizeClass.smallest(minimumShift: configuration.minimumShift))
        let cache = unsafe threadCache()
        let shard = unsafe shard(of: cache)
        if shift <= SizeClass.maximumShift, let descriptor = unsafe take(shift: shift, cache, shard) {
            return unsafe descriptor
        }
        shard.trimIfDue(at: clock.now)
        guard isTransientAllowed else {
            counters[shift: shift].refusedGetCount.add(1, ordering: .relaxed)
            return nil
        }
        counters[shift: shift].transientGetCount.add(1, ordering: .relaxed)
        return unsafe transient(byteCount, shift: shift, shard: shard)
    }

    private func take(shift: Int, _ cache: ThreadCache?, _ shard: Shard) -> DescriptorPointer? {
        guard layout.cachedShifts.contains(shift), let magazine = unsafe cache?.magazine(shift: shift) else {
            return unsafe shard.take(shift: shift) ?? reclaim(shift: shift, cache, shard)
        }
        // Not empty when the size is 0, which the fast path takes for no size.
        if let descriptor = unsafe magazine.pop() {
            unsafe magazine.countHit()
            return unsafe descriptor
        }
        return unsafe shard.takeBatch(shift: shift, into: magazine) ?? shard.take(shift: shift)
            ?? reclaim(shift: shift, cache, shard)
    }

    /// Memory past the limits. Traps when the system has none: `get` never refuses.
    private func transient(_ byteCount: Int, shift: Int, shard: Shard) -> DescriptorPointer {
        guard let arena = ArenaStorage.mapTransient(core: self, shard: shard, byteCount: byteCount, shift: shift),
            let descriptor = unsafe arena.carve(shift: SizeClass.maximumShift + 1)
        else { fatalError("ZeroPool: the system has no \(byteCount) bytes of memory") }
        // Kept by its one buffer; `giveBack` releases it.
        unsafe _ = Unmanaged.passRetained(arena)
        return unsafe descriptor
    }

    /// A lease or its detached owner ends: what is to be done to the memory before anybody else can see it.
    func memoryReturns(_ descriptor: DescriptorPointer) {
        unsafe ledger?.noteReturn(descriptor)
        if configuration.wipesOnReturn {
            unsafe SystemMemory.wipe(descriptor.pointee.base, byteCount: descriptor.pointee.byteCount)
        }
        unsafe ledger?.poison(descriptor)
    }

    /// Takes back what no magazine took: of a full or foreign cache, of a closed pool, of a class without cache.
    func giveBack(_ descriptor: DescriptorPointer) {
        ThreadExit.reclaimClosed()
        let home = unsafe shards[Int(descriptor.pointee.shardIndex)]
        let shift = unsafe Int(descriptor.pointee.shift)
        guard layout.cachedShifts.contains(shift), let cache = unsafe threadCache() else {
            return unsafe giveBackHome(descriptor)
        }
        if unsafe cache.shardIndex == home.index {
            // It has room where the fast path did not try: in a new cache, in a pool that watches returns, and for a buffer
            // that its get found elsewhere than in its class.
            if unsafe cache.magazine(shift: shift).push(descriptor) { return }
            unsafe cache.spill(shift: shift, to: home, keeping: cache.magazine(shift: shift).capacity / 2)
            if unsafe !cache.magazine(shift: shift).push(descriptor) { unsafe giveBackHome(descriptor) }
        } else {
            unsafe cache.sendHome(descriptor, to: home)
        }
    }

    private func giveBackHome(_ descriptor: DescriptorPointer) {
        var chain = BufferChain()
        unsafe chain.push(descriptor)
        unsafe shards[Int(descriptor.pointee.shardIndex)].giveBack(chain, .lease)
    }
}

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
