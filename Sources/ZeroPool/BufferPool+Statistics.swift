extension BufferPool {
    /// What a pool has done since it was made, and what it holds now.
    public struct Statistics: Sendable, Hashable, Codable, CustomStringConvertible {
        /// Gets by where they were served.
        public struct Gets: Sendable, Hashable, Codable {
            /// From the calling thread's cache.
            public var cache = 0
            /// From a shard's idle buffers.
            public var shard = 0
            /// Carved anew from an arena.
            public var fresh = 0
            /// Past the limits, with memory that is freed on return.
            public var transient = 0
            /// Not at all: `tryGet` returned nil.
            public var refused = 0

            /// None yet.
            public init() {}
        }

        /// Gets by tier.
        public var gets = Gets()
        /// Buffers that came back to a shard, in batches, from caches and other threads.
        public var homeReturnCount = 0
        /// Of returns, those by a thread of another shard than the buffer's.
        public var foreignReturnCount = 0
        /// Buffers that came home to a full shard and went back to their arena.
        public var evictionCount = 0
        /// Bytes mapped, in arenas and transient memory.
        public var mappedByteCount = 0
        /// What of them is locked into memory.
        public var pinning = Pinning()
        /// Bytes idle in the shards; what thread caches hold is not among them.
        public var idleByteCount = 0

        /// Nothing done, nothing held.
        public init() {}

        /// One line for a log.
        public var description: String {
            """
            gets: \(gets.cache) cache, \(gets.shard) shard, \(gets.fresh) fresh, \(gets.transient) transient, \
            \(gets.refused) refused; returns: \(homeReturnCount) home, \(foreignReturnCount) foreign; \
            \(evictionCount) evictions; bytes: \(mappedByteCount) mapped, \(pinning.pinnedByteCount) pinned, \
            \(idleByteCount) idle
            """
        }
    }
}
