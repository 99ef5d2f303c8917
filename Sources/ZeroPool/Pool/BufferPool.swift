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
