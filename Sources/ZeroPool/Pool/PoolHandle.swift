/// A shortcut into a pool for code that repeatedly gets buffers of one size, such as a reactor.
///
/// ```swift
/// let handle = pool.handle(64 * 1024)
/// let buffer = handle.get()
/// ```
///
/// It computes once what `pool.get(byteCount)` computes each time: the size class, and where each thread has its cache
/// of that class. Leases are the same.
///
/// **Owner.** It is unique (`~Copyable`), and retains the pool without counting references at each get. While it lives,
/// the pool is closed only by `close()`; then the handle serves what the pool serves after that.
///
/// **Threads.** It may be moved and shared. On each thread it uses that thread's cache and shard
/// (`bindCurrentThread(toShard:)`), also when those change.
///
/// **Cost.** A get and the return of its lease take at most 18 instructions when the thread's cache serves it;
/// otherwise as much as with the pool.
@safe
public struct PoolHandle: ~Copyable, Sendable {
    // Unmanaged: a class reference may be retained at each use.
    private let unmanagedPool: Unmanaged<BufferPool>
    @usableFromInline let place: MagazinePlace
    /// Bytes that each lease has at least.
    public let byteCount: Int

    init(pool: BufferPool, byteCount: Int) {
        precondition(byteCount >= 0, "a buffer's byte count is not negative")
        unsafe unmanagedPool = .passRetained(pool)
        // Size 0 is served as 1 is: the fast path takes it for no size, which it needs not here.
        place = pool.magazinePlace(max(1, byteCount))
        self.byteCount = byteCount
    }

    deinit { unsafe unmanagedPool.release() }

    /// The pool that it serves from.
    public var pool: BufferPool { unsafe unmanagedPool.takeUnretainedValue() }

    /// A lease of at least `byteCount` bytes, as from the pool's `get`. Never refuses.
    ///
    /// Traps when the system has no memory. Any thread. A debugging pool records `file` and `line`.
    @inlinable @inline(__always)
    public borrowing func get(file: StaticString = #fileID, line: UInt = #line) -> PooledBuffer {
        unsafe PooledBuffer(place.pop() ?? getSlow(file, line), place)
    }

    /// A lease of at least `byteCount` bytes; nil when the pool's `tryGet` returns nil. Any thread.
    @inlinable @inline(__always)
    public borrowing func tryGet(file: StaticString = #fileID, line: UInt = #line) -> PooledBuffer? {
        guard let descriptor = unsafe place.pop() ?? tryGetSlow(file, line) else { return nil }
        return unsafe PooledBuffer(descriptor, place)
    }

    @usableFromInline @inline(never)
    borrowing func getSlow(_ file: StaticString, _ line: UInt) -> UnsafeMutablePointer<BufferDescriptor> {
        unsafe place.refill() ?? pool.getSlow(byteCount, file, line)
    }

    @usableFromInline @inline(never)
    borrowing func tryGetSlow(_ file: StaticString, _ line: UInt) -> UnsafeMutablePointer<BufferDescriptor>? {
        unsafe place.refill() ?? pool.tryGetSlow(byteCount, file, line)
    }
}

extension BufferPool {
    /// A handle for buffers of at least `byteCount` bytes: the fastest way to get many of one size.
    ///
    /// Above 1 GiB, its `get` maps transient memory and its `tryGet` returns nil. Traps when `byteCount` is negative.
    /// Retains the pool once.
    public func handle(_ byteCount: Int) -> PoolHandle { PoolHandle(pool: self, byteCount: byteCount) }
}
