import CZeroPool
import Synchronization

/// One thread's cache of one pool: magazines of buffers whose home is the thread's own shard, and an outbox a foreign
/// shard for buffers on their way home.
///
/// A handle to raw memory that the fast paths reach through the thread's slot. Only its thread uses it, but for what
/// `Magazine` allows others. It keeps its pool's core alive. It ends with its thread (`ThreadExit`), with its pool
/// when the closing thread is its own, and else when its thread next comes by a slow path.
@unsafe
struct ThreadCache {
    let address: UnsafeMutableRawPointer

    /// The first bytes of a cache.
    @unsafe
    struct Header {
        let core: Unmanaged<PoolCore>
        var shardIndex: Int
        /// The shard of that index, which the core keeps.
        var home: Unmanaged<Shard>
        /// One chain a shard; the one of the own shard stays empty.
        let outboxes: UnsafeMutablePointer<BufferChain>
        /// Leases of other shards' buffers that ended on this thread, a cached class. It alone writes, others read.
        let foreignReturnCounts: UnsafeMutablePointer<Atomic<Int>>
        /// For each cached class.
        let uses: UnsafeMutablePointer<MagazineUse>
        /// The part of `heedRequests` that is done.
        var seenTrimRequestCount: UInt32
        var seenSweepTick: IdleClock.Tick
        /// The pool's other caches.
        var previous: ThreadCache?
        var next: ThreadCache?
    }

    /// A foreign buffer waits for at most this many others before all go home together…
    static let outboxLimit = 8
    /// … or for this many bytes.
    static let outboxByteLimit = 1 << 20

    var header: UnsafeMutablePointer<Header> { unsafe address.assumingMemoryBound(to: Header.self) }
    var core: PoolCore { unsafe header.pointee.core.takeUnretainedValue() }
    var shardIndex: Int { unsafe header.pointee.shardIndex }

    func magazine(shift: Int) -> MagazinePointer {
        unsafe (address + core.layout.magazineOffset(shift: shift)).assumingMemoryBound(to: Magazine.self)
    }

    // MARK: Life

    /// A cache of `core` for the calling thread, bound to the shard of that index.
    init(core: PoolCore, shardIndex: Int) {
        assert(unsafe MemoryLayout<Header>.size <= CacheLayout.headerByteCount)
        assert(unsafe MemoryLayout<Magazine>.size == Magazine.headerByteCount)
        unsafe address = UnsafeMutableRawPointer.allocate(
            byteCount: core.cacheByteCount, alignment: 128)
        // A late return of another pool's buffer may look anywhere here for its tag, and must not find an old one.
        unsafe address.initializeMemory(as: UInt8.self, repeating: 0, count: core.cacheByteCount)
        let outboxes = UnsafeMutablePointer<BufferChain>.allocate(capacity: core.shards.count)
        unsafe outboxes.initialize(repeating: BufferChain(), count: core.shards.count)
        let foreignReturnCounts = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: core.layout.cachedShifts.count)
        for index in core.layout.cachedShifts.indices {
            unsafe (foreignReturnCounts + index - core.layout.cachedShifts.lowerBound).initialize(to: Atomic(0))
        }
        let uses = UnsafeMutablePointer<MagazineUse>.allocate(capacity: core.layout.cachedShifts.count)
        let now = core.clock.now
        unsafe uses.initialize(repeating: MagazineUse(sinceTick: now), count: core.layout.cachedShifts.count)
        unsafe header.initialize(
            to: Header(
                core: Unmanaged.passRetained(core), shardIndex: shardIndex,
                home: Unmanaged.passUnretained(core.shards[shardIndex]), outboxes: outboxes,
                foreignReturnCounts: foreignReturnCounts, uses: uses,
                seenTrimRequestCount: core.trimRequestCount, seenSweepTick: now))
        for shift in CacheLayout.allShifts {
            let capacity = core.configuration.cacheCapacity(shift: shift)
            unsafe magazine(shift: shift).initialize(
                to: Magazine(capacity: capacity, homeTag: core.homeTag(shard: shardIndex, shift: shift)))
        }
    }

    /// Hands everything back to the shards, as idle since now or that time. The cache stays usable.
    func drain(idleSince: IdleClock.Tick? = nil) {
        let core = unsafe core
        let home = core.shards[unsafe shardIndex]
        for shift in core.layout.cachedShifts { unsafe spill(shift: shift, to: home, keeping: 0, idleSince: idleSince) }
        unsafe flushOutboxes(idleSince: idleSince)
    }

    /// Binds a drained cache to another shard.
    func bind(toShard newIndex: Int) {
        let core = unsafe core
        unsafe header.pointee.shardIndex = newIndex
        unsafe header.pointee.home = Unmanaged.passUnretained(core.shards[newIndex])
        for shift in core.layout.cachedShifts {
            let homeTag = core.homeTag(shard: newIndex, shift: shift)
            unsafe magazine(shift: shift).pointee.homeTag.store(homeTag, ordering: .relaxed)
        }
    }

    /// Frees the memory of a drained cache, and lets go of the core.
    func deallocate() {
        let core = unsafe header.pointee.core
        unsafe header.pointee.outboxes.deallocate()
        unsafe header.pointee.foreignReturnCounts.deallocate()
        unsafe header.pointee.uses.deallocate()
        unsafe address.deallocate()
        unsafe core.release()
    }

    /// How many buffers wait in it, in magazines and outboxes.
    var bufferCount: Int {
        let core = unsafe core
        return core.shards.indices.reduce(unsafe cachedCount) { unsafe $0 + header.pointee.outboxes[$1].count }
    }

    /// Where leases of other shards' buffers of the class are counted.
    func foreignReturnCount(shift: Int) -> UnsafeMutablePointer<Atomic<Int>> {
        unsafe header.pointee.foreignReturnCounts + (shift - core.layout.cachedShifts.lowerBound)
    }

    /// How many are in its magazines; other threads may ask.
    var cachedCount: Int { unsafe core.layout.cachedShifts.reduce(0) { unsafe $0 + magazine(shift: $1).count } }

    // MARK: Traffic with the shards

    /// Hands all but `keeping` buffers of a magazine, fewer than it has room for, to their home: the longest cached go.
    func spill(shift: Int, to home: Shard, keeping: Int, idleSince: IdleClock.Tick? = nil) {
        unsafe magazine(shift: shift).removeOldest(keeping: keeping) { batch in
            unsafe home.giveBack(batch, shift: shift, idleSince: idleSince)
        }
    }

    /// Puts a buffer of a foreign shard into its outbox, and sends the outbox home when enough is in it.
    func sendHome(_ descriptor: DescriptorPointer, to shard: Shard) {
        let foreignReturnCount = unsafe foreignReturnCount(shift: Int(descriptor.pointee.shift))
        unsafe foreignReturnCount.pointee.store(
            foreignReturnCount.pointee.load(ordering: .relaxed) + 1, ordering: .relaxed)
        let outbox = unsafe header.pointee.outboxes + shard.index
        unsafe outbox.pointee.push(descriptor)
        let count = unsafe outbox.pointee.count
        if unsafe count >= ThreadCache.outboxLimit
            || count << Int(descriptor.pointee.shift) >= ThreadCache.outboxByteLimit
        {
            unsafe flushOutbox(to: shard)
        }
    }

    func flushOutboxes(idleSince: IdleClock.Tick? = nil) {
        for shard in unsafe core.shards { unsafe flushOutbox(to: shard, idleSince: idleSince) }
    }

    private func flushOutbox(to shard: Shard, idleSince: IdleClock.Tick? = nil) {
        let outbox = unsafe header.pointee.outboxes + shard.index
        guard unsafe outbox.pointee.count > 0 else { return }
        let chain = unsafe outbox.pointee
        unsafe outbox.pointee = BufferChain()
        shard.giveBack(chain, .outbox, idleSince: idleSince)
    }
}

/// What a thread's cache hands home because the thread does not use it.
///
/// A magazine's hits tell whether it was used, so the fast paths have nothing to do for it.
extension ThreadCache {
    /// What the last look at a magazine found.
    @safe
    struct MagazineUse {
        var hitCount: UInt64 = 0
        /// When its hits were first seen to be so many.
        var sinceTick: IdleClock.Tick
    }

    /// Hands home the magazines that served nothing for `ticks`, as far as looks have seen it, and all outboxes.
    func handHome(unusedFor ticks: IdleClock.Tick, at now: IdleClock.Tick) {
        let core = unsafe core
        let home = core.shards[unsafe shardIndex]
        for shift in core.layout.cachedShifts {
            let use = unsafe header.pointee.uses + (shift - core.layout.cachedShifts.lowerBound)
            let hitCount = unsafe magazine(shift: shift).pointee.hitCount.load(ordering: .relaxed)
            if unsafe use.pointee.hitCount != hitCount {
                unsafe use.pointee = MagazineUse(hitCount: hitCount, sinceTick: now)
            }
            guard unsafe IdleClock.elapsed(since: use.pointee.sinceTick, at: now) >= ticks else { continue }
            unsafe spill(shift: shift, to: home, keeping: 0, idleSince: use.pointee.sinceTick)
        }
        unsafe flushOutboxes()
    }

    /// Whether its thread has to call `heedRequests` or `ThreadExit.reclaimClosed`.
    var isCalled: Bool {
        let isOfCore = unsafe header.pointee.core._withUnsafeGuaranteedRef {
            unsafe $0.trimRequestCount != header.pointee.seenTrimRequestCount
        }
        let isOfShard = unsafe header.pointee.home._withUnsafeGuaranteedRef {
            unsafe $0.lastTrimTick.load(ordering: .relaxed) != header.pointee.seenSweepTick
        }
        return isOfCore || isOfShard || ThreadExit.isClosedPoolUnseen
    }

    /// Does what was asked of the cache's thread since it last came by: by `trim()` or `clear()`, all goes home and what
    /// it empties to the system; when its shard was swept for its age, the cache is looked through for it as well.
    func heedRequests() {
        let core = unsafe core
        let home = core.shards[unsafe shardIndex]
        let (requestCount, sweepTick) = (core.trimRequestCount, home.lastTrimTick.load(ordering: .relaxed))
        if unsafe header.pointee.seenTrimRequestCount != requestCount {
            unsafe header.pointee.seenTrimRequestCount = requestCount
            // As if it had been done when it was asked: what came into use since then stays.
            let since = core.trimRequestTick.load(ordering: .relaxed)
            let shards = core.shards.filter {
                unsafe $0 === home || header.pointee.outboxes[$0.index].count > 0
            }
            unsafe drain(idleSince: since)
            let now = core.clock.now
            for shard in shards { shard.trim(unusedFor: IdleClock.elapsed(since: since, at: now), at: now) }
        } else if unsafe header.pointee.seenSweepTick != sweepTick {
            unsafe header.pointee.seenSweepTick = sweepTick
            if let ticks = core.maxIdleTickCount { unsafe handHome(unusedFor: ticks, at: core.clock.now) }
        }
    }
}
