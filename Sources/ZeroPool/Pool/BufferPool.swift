import Synchronization

/// A pool of reusable I/O buffers: per-thread caches over a sharded store.
///
/// ```swift
/// let pool = BufferPool()
/// var buffer = pool.get(64 * 1024)
/// buffer.append { output in output.append(repeating: 7, count: 1000, as: UInt8.self) }
/// // … buffer.bytes …
/// // The buffer goes back to the pool when `buffer` ends.
/// ```
///
/// **Owner.** The last reference owns the pool. Keep it in a `let`, because a reference in a class's `var` is retained
/// at each get. The pool is `Sendable`: all threads may get from it at once. Leases (`PooledBuffer`) are `Sendable` too
/// and may end on any thread.
///
/// **Closing.** `close()`, or the end of the last reference, closes the pool. Idle memory goes back to the system.
/// Leases stay valid, and their memory follows when they end. Buffers in the cache of another thread follow when that
/// thread ends, or next misses the cache of any pool. After `close()`, a get is served from the calling thread's cache
/// while that lasts. Then `tryGet` returns nil and `get` maps transient memory.
///
/// **Cost.** A get from the thread's cache and the return to it take fewer than 30 instructions together, without a
/// lock, an atomic read-modify-write or a reference count. Beyond the cache, they take a shard's lock once per batch,
/// or map memory.
public final class BufferPool: Sendable {
    @usableFromInline let core: PoolCore
    // Copies of what the fast path needs, one load away.
    @usableFromInline let slotOffset: Int32
    @usableFromInline let magazineStride: UInt32
    @usableFromInline let smallest: Int

    /// A pool with the given configuration, by default adapted to the machine.
    ///
    /// Maps no memory yet. Traps when the configuration is impossible (`Configuration` gives the ranges).
    public convenience init(_ configuration: Configuration = .adapted()) { self.init(configuration, clock: .system) }

    init(_ configuration: Configuration, clock: IdleClock) {
        core = PoolCore(configuration, clock: clock)
        slotOffset = core.slotOffset
        smallest = SizeClass.smallest(minimumShift: configuration.minimumShift)
        magazineStride = UInt32(core.layout.magazineStride)
    }

    deinit { core.endHandle() }

    /// A lease of at least `byteCount` bytes. Never refuses.
    ///
    /// At the byte limit of the pool or the shard, after `close()`, and above 1 GiB, it maps transient memory, which is
    /// counted and freed on return. The bytes are not zeroed, and safe API does not show them before they are written.
    /// Traps when `byteCount` is negative, or when the system has no memory. Any thread. A debugging pool records
    /// `file` and `line`.
    @inlinable @inline(__always)
    public func get(_ byteCount: Int, file: StaticString = #fileID, line: UInt = #line) -> PooledBuffer {
        let place = magazinePlace(byteCount)
        return unsafe PooledBuffer(place.pop() ?? getSlow(byteCount, file, line), place)
    }

    /// A lease of at least `byteCount` bytes; nil at the byte limit of the pool or the shard, after `close()`, above 1
    /// GiB, or when the system has no memory. Otherwise like `get`.
    @inlinable @inline(__always)
    public func tryGet(_ byteCount: Int, file: StaticString = #fileID, line: UInt = #line) -> PooledBuffer? {
        let place = magazinePlace(byteCount)
        guard let descriptor = unsafe place.pop() ?? tryGetSlow(byteCount, file, line) else { return nil }
        return unsafe PooledBuffer(descriptor, place)
    }

    /// A lease of `byteCount` zeroes, which count as written. Otherwise like `get`.
    public func get(zeroed byteCount: Int, file: StaticString = #fileID, line: UInt = #line) -> PooledBuffer {
        var buffer = get(byteCount, file: file, line: line)
        unsafe buffer.withUnsafeMutableBytes { bytes in
            _ = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount]).initializeMemory(
                as: UInt8.self, repeating: 0)
        }
        unsafe buffer.setCount(byteCount)
        return buffer
    }

    /// Where threads have the magazine for buffers of `byteCount` bytes: one that stays empty when the size has no class.
    @inlinable @inline(__always)
    func magazinePlace(_ byteCount: Int) -> MagazinePlace {
        let index = SizeClass.magazineIndex(for: byteCount, smallest: smallest)
        return MagazinePlace(
            slotOffset: slotOffset, magazineOffset: UInt32(truncatingIfNeeded: index) &* magazineStride)
    }

    @usableFromInline @inline(never)
    func getSlow(_ byteCount: Int, _ file: StaticString, _ line: UInt) -> UnsafeMutablePointer<BufferDescriptor> {
        unsafe magazinePlace(byteCount).refill()
            ?? core.getSlow(byteCount, isTransientAllowed: true, site: LeaseSite(file: file, line: line))!
    }

    @usableFromInline @inline(never)
    func tryGetSlow(_ byteCount: Int, _ file: StaticString, _ line: UInt) -> UnsafeMutablePointer<BufferDescriptor>? {
        unsafe magazinePlace(byteCount).refill()
            ?? core.getSlow(byteCount, isTransientAllowed: false, site: LeaseSite(file: file, line: line))
    }

    /// How many shards the pool has.
    public var shardCount: Int { core.shards.count }

    /// The configuration that the pool was made with.
    public var configuration: Configuration { core.configuration }

    /// Binds the calling thread to a shard. By default, threads are spread over the shards in order of their first use.
    ///
    /// Cached buffers of the old shard go home. No effect in a pool without thread caches (beyond the 63rd pool at a
    /// time). Traps when there is no such shard.
    public func bindCurrentThread(toShard index: Int) { core.bindCurrentThread(toShard: index) }

    /// Watches the arenas of a shard from now on, including those that exist. Traps when there is no such shard, or
    /// when it has 64 observers already.
    public func observeArenas(ofShard index: Int) -> ArenaObserver {
        precondition(core.shards.indices.contains(index), "there is no shard \(index); the pool has \(shardCount)")
        return ArenaObserver(core: core, shard: core.shards[index])
    }

    /// What the pool has done, and what it holds now. Takes each shard's lock in turn, so the figures are of slightly
    /// different moments while other threads use the pool.
    public func statistics() -> Statistics { core.statistics() }

    /// How many buffers are out: leased, or detached and not ended; transient ones too.
    ///
    /// Exact, and to be asked, only while no other thread uses the pool: it reads the caches of all threads without their
    /// knowing. A walk over threads and shards, which costs gets and returns nothing.
    package var leasedBufferCount: Int { core.leasedBufferCount }

    /// Closes the pool; see the type. Any thread. A second call has no effect.
    public func close() { core.close() }
}

/// Idle memory, and how it goes back to the system.
///
/// Idle buffers wait in shards and in thread caches. The system gets back whole arenas that have no leases and no
/// buffers in the cache of another thread. If a ring has registered an arena, it first unregisters it, at its thread's
/// next poll (`ArenaObserver`).
///
/// No thread can empty the cache of another. `trim()` and `clear()` empty the calling thread's cache and ask the other
/// threads. Each of those empties its cache when it next misses it. A thread that never does so keeps at most
/// `tlsCacheSize` buffers per class.
extension BufferPool {
    /// Gives back to the system every arena without leases, after emptying the calling thread's cache.
    ///
    /// Idle buffers in arenas with leases stay, unlike with `clear()`. Arenas with buffers in the caches of other
    /// threads follow when those threads have emptied them. Call it from a timer; the pool itself gives back memory
    /// that is idle for `Configuration.maxIdleSeconds`.
    ///
    /// Any thread. Cost: each shard's lock in turn, a look at each idle buffer, and a system call per arena.
    public func trim() { core.trim() }

    /// Gives back what the calling thread did not use for this many seconds. For a thread that has a shard to itself,
    /// such as a reactor's.
    ///
    /// First, the calling thread's cached buffers go home, for each class that its cache did not serve for `seconds`.
    /// The time of a class starts with the first call that finds it used. Then arenas of the thread's own shard go back
    /// to the system, if they have no leases and were not used for as long. Other threads' caches are not asked. 0
    /// means at once; `.infinity` does nothing. Traps when `seconds` is negative or NaN.
    ///
    /// Any thread, for itself. Cost with nothing to give back: a few loads per class, and the shard's lock for a look
    /// at each idle buffer.
    public func trim(olderThanSeconds seconds: Double) { core.trim(olderThanSeconds: seconds) }

    /// Evicts all idle buffers. Arenas without leases go back to the system; other buffers go back into their arenas.
    ///
    /// Empties the calling thread's cache and asks the other threads, as `trim()` does. Does not affect leases or later
    /// returns.
    ///
    /// Any thread. Cost: each shard's lock in turn, some stores per idle buffer, and a system call per arena.
    public func clear() { core.clear() }

    /// Evicts idle buffers until the shards keep at most `byteCount` bytes idle.
    ///
    /// Whole arenas without leases go first, the longest unused first, so less than `byteCount` may remain. If that is
    /// not enough, single buffers go back into their arenas, the longest unused first. The calling thread's cache is
    /// emptied first; those of other threads are neither counted nor asked. Idle memory may grow again at once. Traps
    /// when `byteCount` is negative.
    ///
    /// Any thread. Cost: each shard's lock twice, a look at each idle buffer, and sorting them.
    public func shrink(toIdleByteCount byteCount: Int) { core.shrink(toIdleByteCount: byteCount) }

    /// Ensures that the calling thread's shard has `count` idle buffers for requests of `byteCount` bytes, as far as
    /// the limits allow. The calling thread touches new memory, so that the memory is near its processor.
    ///
    /// Returns how many the shard has idle now. These are fewer than `count` when a limit or the system allows no more,
    /// and 0 above 1 GiB and after `close()`. Buffers in thread caches do not count. Traps when a number is negative.
    ///
    /// Any thread. Cost: the shard's lock three times, and a page fault per page of new memory. Memory that stays idle
    /// for `Configuration.maxIdleSeconds` goes back to the system.
    @discardableResult
    public func preallocate(count: Int, byteCount: Int) -> Int { core.preallocate(count: count, byteCount: byteCount) }

    /// The number of idle buffers, in the shards and in all threads' caches. Buffers that wait in an outbox for another
    /// shard do not count.
    ///
    /// Any thread. Cost: each shard's lock in turn, and a load per class and thread. While other threads use the pool,
    /// a buffer in motion may be counted twice or not at all.
    public var count: Int { core.idleBufferCount }

    /// Whether no buffer is idle: `count` is 0. A new pool is empty.
    public var isEmpty: Bool { count == 0 }
}

extension BufferPool.Statistics {
    /// How much memory a pool with `Configuration.pinnedMemory` has locked, and what limits it.
    public struct Pinning: Sendable, Hashable, Codable {
        /// Bytes that should be locked: all that is mapped; 0 in a pool that does not lock.
        public var wantedByteCount = 0
        /// Bytes that are locked, in whole arenas.
        public var pinnedByteCount = 0
        /// Bytes that the process may lock in total, including other memory: the current soft limit of
        /// `RLIMIT_MEMLOCK`. Nil when there is no limit (`unlimited`, or the capability `CAP_IPC_LOCK`), and in a pool
        /// that does not lock. The capability of a user namespace counts here, although it does not lift the limit.
        public var limitByteCount: Int?

        /// Nothing wanted, nothing locked.
        public init() {}
    }
}

extension PoolCore {
    func pinning() -> BufferPool.Statistics.Pinning {
        var pinning = BufferPool.Statistics.Pinning()
        guard configuration.pinnedMemory else { return pinning }
        pinning.wantedByteCount = mappedByteCount.load(ordering: .relaxed)
        pinning.pinnedByteCount = pinnedByteCount.load(ordering: .relaxed)
        pinning.limitByteCount = SystemMemory.lockLimitByteCount
        return pinning
    }
}
