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
