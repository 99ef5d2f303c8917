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
