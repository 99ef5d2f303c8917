import Synchronization

/// A pool of reusable I/O buffers: thread caches over a sharded store.
///
/// ```swift
/// let pool = BufferPool()
/// var buffer = pool.get(64 * 1024)
/// buffer.append { output in output.append(repeating: 7, count: 1000, as: UInt8.self) }
/// // … buffer.bytes …
/// // It goes back when `buffer` ends.
/// ```
///
/// **Owner.** Whoever holds the last reference owns the pool; keep it in a `let` (a reference in a class's `var` is
/// retained at each get). The pool is `Sendable`: all threads may get from it at once. Leases (`PooledBuffer`) are
/// `Sendable` too and may end on any thread.
///
/// **Closing.** `close()`, or the end of the last reference, stops the pool: idle memory goes back to the system,
/// leases stay valid, and their memory follows when they end. What another thread still has in its cache follows when
/// that thread ends or next uses any pool by a slow path. After `close()` `tryGet` returns nil and `get` hands out
/// transient memory, but for what the calling thread's cache still holds.
///
/// **Cost.** A get from the thread's cache and the return to it are under thirty instructions together: no lock, no
/// atomic read-modify-write, no reference count. Otherwise a shard's lock, once a batch; otherwise a mapping.
public final class BufferPool: Sendable {
    @usableFromInline let core: PoolCore
    // Copies of what the fast path needs, one load away.
    @usableFromInline let slotOffset: Int32
    @usableFromInline let magazineStride: UInt32
    @usableFromInline let smallest: Int

    /// A pool of the given configuration; by default adapted to the processors that the process may run on.
    ///
    /// Traps when the configuration is impossible (`Configuration` says what is possible). Maps no memory yet.
    public convenience init(_ configuration: Configuration = .adapted()) { self.init(configuration, clock: .system) }

    init(_ configuration: Configuration, clock: IdleClock) {
        core = PoolCore(configuration, clock: clock)
        slotOffset = core.slotOffset
        smallest = SizeClass.smallest(minimumShift: configuration.minimumShift)
        magazineStride = UInt32(core.layout.magazineStride)
    }

    deinit { core.endHandle() }

    /// A lease of at least `byteCount` bytes. Never refuses: past the pool's byte limit or the shard's, after `close()`, and above
    /// 1 GiB it hands out transient memory, which is freed on return (and counted).
    ///
    /// The bytes are not zeroed, and safe API does not show them before they are written. Traps when `byteCount` is
    /// negative, or when the system itself has no memory. Any thread. A debugging pool notes `file` and `line`.
    @inlinable @inline(__always)
    public func get(_ byteCount: Int, file: StaticString = #fileID, line: UInt = #line) -> PooledBuffer {
        let place = magazinePlace(byteCount)
        return unsafe PooledBuffer(place.pop() ?? getSlow(byteCount, file, line), place)
    }

    /// A lease of at least `byteCount` bytes, or nil: past the pool's byte limit or the shard's, after `close()`, above 1 GiB, or when
    /// the system has no memory. Otherwise as `get`.
    @inlinable @inline(__always)
    public func tryGet(_ byteCount: Int, file: StaticString = #fileID, line: UInt = #line) -> PooledBuffer? {
        let place = magazinePlace(byteCount)
        guard let descriptor = unsafe place.pop() ?? tryGetSlow(byteCount, file, line) else { return nil }
        return unsafe PooledBuffer(descriptor, place)
    }

    /// A lease with `byteCount` zeroes written: its `count` is `byteCount`. Otherwise as `get`.
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

    /// What the pool was made with.
    public var configuration: Configuration { core.configuration }

    /// Binds the calling thread to a shard, as a reactor does that has one of its own; other threads are spread over
    /// the shards in order of their first use. Without effect for a pool without thread caches (past the 63rd at a time).
    ///
    /// What the thread's cache holds of another shard goes home. Traps when there is no such shard.
    public func bindCurrentThread(toShard index: Int) { core.bindCurrentThread(toShard: index) }

    /// Watches the arenas of a shard from now on, the existing ones included. Traps when there is no such shard, or
    /// when 64 observers watch it already.
    public func observeArenas(ofShard index: Int) -> ArenaObserver {
        precondition(core.shards.indices.contains(index), "there is no shard \(index); the pool has \(shardCount)")
        return ArenaObserver(core: core, shard: core.shards[index])
    }

    /// What the pool has done and holds. Takes each shard's lock in turn: not one moment's picture while threads run.
    public func statistics() -> Statistics { core.statistics() }

    /// How many buffers are out: leased, or detached and not ended; transient ones too.
    ///
    /// Exact, and to be asked, only while no other thread uses the pool: it reads the caches of all threads without their
    /// knowing. A walk over threads and shards, which costs gets and returns nothing.
    package var leasedBufferCount: Int { core.leasedBufferCount }

    /// Stops the pool; see above. Any thread; a second call does nothing.
    public func close() { core.close() }
}

/// What the pool keeps idle, and how it goes back to the system.
///
/// Idle buffers wait in shards and in thread caches. The system gets memory back as whole arenas: those of which no
/// buffer is out or in another thread's cache, and, where a ring has registered an arena, once the ring agrees at its
/// thread's next poll (`ArenaObserver`).
///
/// A thread's cache is its own: no other thread can empty it. `trim()` and `clear()` empty the calling thread's, and ask
/// the others; each does it when it next comes by a slow path (a get that its cache can't serve, a return that it
/// can't take). A thread that never does keeps what it has cached: at most `tlsCacheSize` buffers of each class.
extension BufferPool {
    /// Gives every arena of which nothing is out back to the system, after the calling thread's cache has gone home.
    ///
    /// Idle buffers of arenas of which something is out stay: they cost the system nothing more (`clear()` differs). Other
    /// threads' caches count as out; they are asked to go home, and what that empties follows. To be called from a
    /// timer, say; by itself the pool does the like for memory idle for `Configuration.maxIdleSeconds`.
    ///
    /// Any thread. Costs each shard's lock in turn, a look at each idle buffer, and a system call for each arena.
    public func trim() { core.trim() }

    /// Gives back what the calling thread did not use for so long: for the timer of a thread that has a shard to itself, as
    /// a reactor has.
    ///
    /// The calling thread's cached buffers of each class that its cache served none of for `seconds` go home, as far as
    /// such calls and slow paths could see it: the first call that finds a class used starts its time. Then arenas of the
    /// thread's own shard go of which nothing is out and nothing was used for as long. Other threads' caches keep what
    /// they have, and are not asked. 0 means at once; `.infinity` does nothing. Traps when `seconds` is negative or NaN.
    ///
    /// Any thread, each for itself. With nothing to give back it costs a few loads for each class, and the shard's lock
    /// for a look at each idle buffer.
    public func trim(olderThanSeconds seconds: Double) { core.trim(olderThanSeconds: seconds) }

    /// Gives up all idle buffers: those of arenas of which nothing is out go to the system, the others back into their
    /// arenas, to be carved anew.
    ///
    /// The calling thread's cache is cleared with the shards. Other threads' caches are not: they are asked to go home as by
    /// `trim()`, and what that empties follows. Leases are not touched, and what is returned later is kept as ever.
    ///
    /// Any thread. Costs each shard's lock in turn, some stores for each idle buffer, and a system call for each arena.
    public func clear() { core.clear() }

    /// Gives up idle buffers until the shards keep at most `byteCount` bytes idle.
    ///
    /// First go arenas of which nothing is out, as wholes, the longest unused first; they go to the system, so that less
    /// than `byteCount` may remain. If that is not enough, single buffers follow, the longest unused first, back into
    /// their arenas. The calling thread's cache goes home before; other threads' caches neither count nor are asked.
    /// Leases are not touched, and idle memory may grow again at once. Traps when `byteCount` is negative.
    ///
    /// Any thread. Costs each shard's lock two times, a look at each idle buffer, and sorting them.
    public func shrink(toIdleByteCount byteCount: Int) { core.shrink(toIdleByteCount: byteCount) }

    /// Sees to it that the calling thread's shard has `count` idle buffers for requests of `byteCount` bytes, as far as the
    /// limits allow, and has the calling thread touch the memory of new ones: it is there then, near that thread's processor.
    ///
    /// - Returns: how many the shard has idle now; fewer than `count` where `maxBuffersPerShard`, the limits on idle
    ///   or mapped bytes or the system allow no more; 0 above 1 GiB and after `close()`. What thread caches hold does not
    ///   count, and is not touched.
    ///
    /// Traps when a number is negative. Any thread. Costs the shard's lock three times, and a page fault for each page of
    /// new memory. Memory that then stays idle for `Configuration.maxIdleSeconds` goes back to the system again.
    @discardableResult
    public func preallocate(count: Int, byteCount: Int) -> Int { core.preallocate(count: count, byteCount: byteCount) }

    /// How many buffers are idle: in the shards and in all threads' caches. Leases are not among them, nor what waits in
    /// some thread to go home to another shard (up to 8 buffers for each).
    ///
    /// Any thread. Costs each shard's lock in turn and a load for each class and thread; while other threads use the pool
    /// it is not one moment's picture, and may count a buffer twice or not at all that is on its way.
    public var count: Int { core.idleBufferCount }

    /// Whether no buffer is idle: `count` is 0. A new pool is empty.
    public var isEmpty: Bool { count == 0 }
}

extension BufferPool.Statistics {
    /// How much memory a pool with `Configuration.pinnedMemory` has locked, and what holds it back.
    public struct Pinning: Sendable, Hashable, Codable {
        /// As many bytes as should be locked: all that is mapped; 0 in a pool that does not lock.
        public var wantedByteCount = 0
        /// As many bytes as are locked. Whole arenas are or are not; what is unmapped is unlocked by that.
        public var pinnedByteCount = 0
        /// As many bytes as the process may lock in all, other memory of its own included: the soft limit of
        /// `RLIMIT_MEMLOCK`, as it is now. Nil where nothing limits it (`unlimited`, or the capability `CAP_IPC_LOCK`; one
        /// that a user namespace gives is taken for it, but does not lift the limit), and in a pool that does not lock.
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
