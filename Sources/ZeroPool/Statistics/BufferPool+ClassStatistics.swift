extension BufferPool {
    /// What a pool has done with the buffers of one size class, and how many of them are where.
    public struct ClassStatistics: Sendable, Hashable, Codable {
        /// As many bytes as a buffer of the class has; nil for sizes above 1 GiB, which are transient or refused.
        public var bufferByteCount: Int?
        /// Gets by where they were served.
        public var gets = Statistics.Gets()
        /// Returns by where they went.
        public var returns = Statistics.Returns()
        /// Buffers that left a full shard, or did not get in, or made room for another class at a byte limit, and went back
        /// to their arena.
        public var evictionCount = 0
        /// Buffers that a batch brought from a shard into a thread's cache, beside the one that was asked for.
        public var cacheRefillCount = 0
        /// Buffers that a full, ending or moving cache handed back to its shard.
        public var cacheSpillCount = 0
        /// Buffers out: leased, or detached and not ended; transient ones too.
        public var outCount = 0
        /// Buffers in thread caches, those on their way to another shard included.
        public var cachedCount = 0
        /// Buffers idle in the shards.
        public var idleCount = 0
        /// Of those out, transient ones.
        public var transientCount = 0
        /// Bytes of those: whole huge pages, mapped for one lease each.
        public var transientByteCount = 0
        /// The most that were idle at once: `Statistics.HighWaterMarks.idleByteCount` says how it is taken.
        public var maxIdleCount = 0
        /// The most that were out or in a thread's cache at once, without transient ones; taken as `awayByteCount` there.
        public var maxAwayCount = 0

        /// Nothing done, nothing held.
        public init(bufferByteCount: Int?) { self.bufferByteCount = bufferByteCount }

        /// Bytes out: each buffer with its whole capacity.
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
