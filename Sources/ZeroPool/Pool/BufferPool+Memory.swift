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
