import CZeroPool
import Synchronization

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

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
    var isCached: Bool { slot != Int(ZEROPOOL_UNCACHED_SLOT) }

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

    // MARK: End

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
    func mayMap(byteCount: Int) -> Bool { excess(ofArena: byteCount) <= 0 }

    /// By how many bytes another arena of `byteCount` would exceed the pool's limit; 0 or less when it would not.
    func excess(ofArena byteCount: Int) -> Int {
        let (sum, overflow) = arenaByteCount.load(ordering: .relaxed).addingReportingOverflow(byteCount)
        return overflow ? .max : sum - configuration.maxByteCount
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
}

/// A value behind a POSIX mutex.
///
/// Why not `Synchronization.Mutex`: the thread sanitizer sees nothing of its futex calls, and so reports a race on all
/// that it guards. Batches make the kind of lock unimportant; that races are found is not.
@safe
struct Locked<Value>: ~Copyable, @unchecked Sendable {
    // SAFETY: Sendable, since `value` is reached with the mutex held only.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    init(_ initial: Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initial)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Runs `body` with the mutex held; not to be entered again within.
    borrowing func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return unsafe body(&value.pointee)
    }
}
