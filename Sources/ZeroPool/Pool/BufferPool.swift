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
