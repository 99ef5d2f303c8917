/// A way into a pool for buffers of one size, for who gets them over and over, such as a reactor.
///
/// ```swift
/// let handle = pool.handle(64 * 1024)
/// let buffer = handle.get()
/// ```
///
/// What `pool.get(byteCount)` works out each time, it has worked out when it was made: the size's class, and where each
/// thread has its cache of it. Leases are the same, and return themselves in the same way.
///
/// **Owner.** Whoever made it; unique (`~Copyable`), so that it can hold on to the pool without counting references. While it
/// lives, the end of the last reference to the pool does not close the pool; `close()` does, and then it serves as the
/// pool does after that.
///
/// **Threads.** It names no thread: on whatever thread it is used, it serves from that thread's cache and shard
/// (`bindCurrentThread(toShard:)`), also when those change or are gone. So it can be moved and shared, and needs no check.
///
/// **Cost.** A get and the return of its lease are at most 18 instructions, when the thread's cache serves; else as the pool.
@safe
public struct PoolHandle: ~Copyable, Sendable {
    // Unmanaged: a class reference may be retained at each use.
    private let unmanagedPool: Unmanaged<BufferPool>
    @usableFromInline let place: MagazinePlace
    /// As many bytes as each lease has at least.
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

    /// A lease of at least `byteCount` bytes, as the pool's `get` has them: never refuses.
    ///
    /// Traps when the system itself has no memory. Any thread. A debugging pool notes `file` and `line`.
    @inlinable @inline(__always)
    public borrowing func get(file: StaticString = #fileID, line: UInt = #line) -> PooledBuffer {
        unsafe PooledBuffer(place.pop() ?? getSlow(file, line), place)
    }

    /// A lease of at least `byteCount` bytes, or nil, when the pool's `tryGet` has none. Any thread.
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
    /// A handle for buffers of at least `byteCount` bytes: the shortest way to get many of one size.
    ///
    /// Traps when `byteCount` is negative. Above 1 GiB its `get` serves transient memory, and its `tryGet` nil, as the
    /// pool's do. Retains the pool once.
    public func handle(_ byteCount: Int) -> PoolHandle { PoolHandle(pool: self, byteCount: byteCount) }
}
