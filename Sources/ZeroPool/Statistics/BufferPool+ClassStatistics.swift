extension BufferPool {
    /// What a pool has done with the buffers of one size class, and where they are.
    public struct ClassStatistics: Sendable, Hashable, Codable {
        /// Bytes per buffer; nil for sizes above 1 GiB, which are transient or refused.
        public var bufferByteCount: Int?
        /// Gets by where they were served.
        public var gets = Statistics.Gets()
        /// Returns by where they went.
        public var returns = Statistics.Returns()
        /// Buffers that went back to their arena: evicted or refused by a full shard, or evicted for another class at a
        /// byte limit.
        public var evictionCount = 0
        /// Buffers that a batch moved from a shard to a thread's cache, in addition to the one requested.
        public var cacheRefillCount = 0
        /// Buffers that a cache returned to its shard because it was full, ended or moved.
        public var cacheSpillCount = 0
        /// Buffers in use: leased, or detached and not ended, including transient ones.
        public var outCount = 0
        /// Buffers in thread caches, including those on their way to another shard.
        public var cachedCount = 0
        /// Buffers idle in the shards.
        public var idleCount = 0
        /// Transient buffers in use.
        public var transientCount = 0
        /// Bytes of the transient buffers in use: whole huge pages, mapped for one lease each.
        public var transientByteCount = 0
        /// The most idle buffers at once, taken like `Statistics.HighWaterMarks.idleByteCount`.
        public var maxIdleCount = 0
        /// The most buffers in use or in thread caches at once, without transient ones, taken like
        /// `Statistics.HighWaterMarks.awayByteCount`.
        public var maxAwayCount = 0

        /// Nothing done, nothing held.
        public init(bufferByteCount: Int?) { self.bufferByteCount = bufferByteCount }

        /// Bytes in use, each buffer with its whole capacity.
        public var outByteCount: Int { (outCount - transientCount) * (bufferByteCount ?? 0) + transientByteCount }
        /// Bytes in thread caches.
        public var cachedByteCount: Int { cachedCount * (bufferByteCount ?? 0) }
        /// Bytes idle in the shards.
        public var idleByteCount: Int { idleCount * (bufferByteCount ?? 0) }

        mutating func subtractCounters(of earlier: ClassStatistics) {
            gets.add(earlier.gets, times: -1)
            returns.add(earlier.returns, times: -1)
            evictionCount -= earlier.evictionCount
            cacheRefillCount -= earlier.cacheRefillCount
            cacheSpillCount -= earlier.cacheSpillCount
        }
    }
}
