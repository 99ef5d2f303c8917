import ZeroPool

/// ZeroPool as most programs use it: `pool.get`, and the lease's end.
struct ThreadCacheContender: ~Copyable, Contender {
    var lease: PooledBuffer

    @inline(__always)
    static func get(_ byteCount: Int, from pool: BufferPool) -> ThreadCacheContender {
        ThreadCacheContender(lease: pool.get(byteCount))
    }

    @inline(__always)
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void) { unsafe body(lease.baseAddress) }

    @inline(__always)
    consuming func giveBack(to pool: BufferPool) {}

    static func tiers(of pool: BufferPool) -> [(name: String, count: Int)] { pool.tiers }
}

extension BufferPool {
    /// Gets so far by where they were served.
    var tiers: [(name: String, count: Int)] {
        let gets = statistics().gets
        return [
            ("cache", gets.cache), ("shard", gets.shard), ("fresh", gets.fresh), ("transient", gets.transient),
        ]
    }
}
