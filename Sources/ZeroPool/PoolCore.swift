import CZeroPool
import Synchronization

/// What a pool is behind its handle: shards, the register of thread caches, limits and counters, and the slow paths.
///
/// It outlives the handle: thread caches and arenas keep it, and through an arena every lease does. Invariants:
/// - `slot` is ours while the pool's handle lives or any thread has a cache of it;
/// - once `isClosed`, no cache is made, no buffer is served, and what comes back goes to its arena.
@usableFromInline
final class PoolCore: @unchecked Sendable {
    let configuration: BufferPool.Configuration
    /// Of a debugging pool.
    let ledger: LeaseLedger?
    let layout: CacheLayout
    let slot: Int
    /// How long a thread's cache is.
    let cacheByteCount: Int
    let slotOffset: Int32
    private let generation: UInt64
    let clock: IdleClock
    /// The age at which idle memory goes back; nil for never.
    let maxIdleTickCount: IdleClock.Tick?
    /// How often all thread caches were asked to go home.
    let trimRequests = Atomic<UInt32>(0)
    /// When the last of them was made.
    let trimRequestTick = Atomic<IdleClock.Tick>(0)
    /// Set once, in `init`.
    private(set) var shards: [Shard] = []

    let counters = PoolCounters()
    let mappedByteCount = Atomic<Int>(0)
    /// Of those, what the limit is for: without transient memory.
    private let arenaByteCount = Atomic<Int>(0)
    let maxMappedByteCount = Atomic<Int>(0)
    let pinnedByteCount = Atomic<Int>(0)
    /// Transient buffers that are out.
    private let transientCount = Atomic<Int>(0)
    private let closed = Atomic<Bool>(false)
    let register = Locked(Register())

    @safe
    struct Register: @unchecked Sendable {
        var first: ThreadCache?
        var threadCount = 0
        /// What caches that are gone had counted, by cached class.
        var retired: [CacheCounts] = []
        var isSlotTaken = true
        /// Whether the pool's handle is gone: until then its fast path looks into the slot, closed or not.
        var isHandleGone = false
    }

    var isClosed: Bool { closed.load(ordering: .acquiring) }
    private var isCached: Bool { slot != Int(ZEROPOOL_UNCACHED_SLOT) }

    init(_ configuration: BufferPool.Configuration, clock: IdleClock) {
        configuration.check()
        self.configuration = configuration
        self.clock = clock
        maxIdleTickCount = IdleClock.ticks(seconds: configuration.maxIdleSeconds)
        ledger = configuration.debugging ? LeaseLedger() : nil
        layout = CacheLayout(
            tlsCacheSize: configuration.tlsCacheSize, cachedShifts: configuration.cachedShifts)
        precondition(layout.fits, "tlsCacheSize \(configuration.tlsCacheSize) is more than a thread cache holds")
        ThreadExit.reclaimClosed()
        (slot, generation, cacheByteCount) = PoolSlots.take(cacheByteCount: layout.byteCount)
        slotOffset = PoolSlots.offset(of: slot)
        shards = (0..<configuration.numShards).map { Shard(index: $0, core: self) }
    }

    /// The tag of the magazines that take buffers of that shard and class.
    func homeTag(shard: Int, shift: Int) -> UInt64 {
        unsafe Magazine.homeTag(shard: shard, shift: shift, generation: generation)
    }

    /// Whether each return has to take the slow path, since something is done to the memory there.
    var watchesReturns: Bool { configuration.wipesOnReturn || configuration.debugging }

    // MARK: Slow paths

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
        defer { shard.trimIfDue(at: clock.now) }
        if shift <= SizeClass.maximumShift {
            let magazine = unsafe cache?.magazine(shift: shift)
            // Half of what the magazine takes, so that the next return finds room.
            let isCached = unsafe magazine != nil && layout.cachedShifts.contains(shift)
            // Not empty when the size is 0, which the fast path takes for no size.
            if isCached, let descriptor = unsafe magazine?.pop() {
                unsafe magazine?.countHit()
                return unsafe descriptor
            }
            let count = unsafe isCached ? (magazine!.capacity + 1) / 2 : 1
            if var batch = shard.take(shift: shift, count: max(1, count)) {
                let first = unsafe batch.chain.pop()!
                while let descriptor = unsafe batch.chain.pop() {
                    let isPushed = unsafe magazine!.push(descriptor)
                    precondition(isPushed, "a magazine that was empty has room for half its limit")
                }
                return unsafe first
            }
        }
        guard isTransientAllowed else {
            counters[shift: shift].refusedGetCount.add(1, ordering: .relaxed)
            return nil
        }
        counters[shift: shift].transientGetCount.add(1, ordering: .relaxed)
        return unsafe transient(byteCount, shift: shift, shard: shard)
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

    // MARK: Thread caches

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

    private func giveBackSlotIfUnused(_ register: inout Register) {
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

    /// The handle's end, which closes the pool.
    func endHandle() {
        close()
        register.withLock { register in
            register.isHandleGone = true
            giveBackSlotIfUnused(&register)
        }
    }

    func close() {
        guard !closed.exchange(true, ordering: .acquiringAndReleasing) else { return }
        register.withLock { register in
            var cache = unsafe register.first
            while let current = unsafe cache {
                for shift in layout.cachedShifts {
                    unsafe current.magazine(shift: shift).pointee.homeTag.store(0, ordering: .relaxed)
                }
                unsafe cache = unsafe current.header.pointee.next
            }
            giveBackSlotIfUnused(&register)
        }
        PoolSlots.countClosedPool()
        ThreadExit.reclaimClosed()
        for shard in shards { shard.close() }
        ledger?.reportAtClose()
    }

    // MARK: Accounts

    /// Whether the pool's byte limit allows another arena of `byteCount` bytes.
    ///
    /// Shards may ask at once, and each overshoot by an arena: a limit on memory needs no exactness. Transient memory does
    /// not count: else enough of it would keep arenas from being mapped, and so bring forth more of itself.
    func mayMap(byteCount: Int) -> Bool {
        let (sum, overflow) = arenaByteCount.load(ordering: .relaxed).addingReportingOverflow(byteCount)
        return !overflow && sum <= configuration.maxByteCount
    }

    /// An arena was mapped, or is gone: so many bytes more.
    func account(mapped: Int, pinned: Int, _ kind: ArenaStorage.Kind) {
        let mappedByteCount = mappedByteCount.add(mapped, ordering: .relaxed).newValue
        if mapped > 0 { maxMappedByteCount.max(mappedByteCount, ordering: .relaxed) }
        if pinned != 0 { pinnedByteCount.add(pinned, ordering: .relaxed) }
        switch kind {
        case .pooled: arenaByteCount.add(mapped, ordering: .relaxed)
        case .transient(let shift):
            transientCount.add(mapped.signum(), ordering: .relaxed)
            counters[shift: shift].transientByteCount.add(mapped, ordering: .relaxed)
        }
    }

    /// What was carved and waits neither in a shard nor in a thread's cache.
    var leasedBufferCount: Int {
        let cachedCount = register.withLock { register in
            var sum = 0
            unsafe forEachCache(register) { sum += unsafe $0.bufferCount }
            return sum
        }
        return transientCount.load(ordering: .relaxed) - cachedCount + shards.reduce(0) { $0 + $1.awayCount }
    }

    func forEachCache(_ register: Register, _ body: (ThreadCache) -> Void) {
        var cache = unsafe register.first
        while let current = unsafe cache {
            unsafe body(current)
            unsafe cache = unsafe current.header.pointee.next
        }
    }
}
