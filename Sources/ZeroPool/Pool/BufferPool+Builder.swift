extension BufferPool {
    /// A builder for a pool, which starts from a configuration adapted to the machine.
    ///
    /// ```swift
    /// let pool = BufferPool.builder().minBufferSize(64 * 1024).tlsCacheSize(8).build()
    /// ```
    public static func builder() -> Builder { Builder() }

    /// Sets single values of a `Configuration`; each call returns a changed copy.
    public struct Builder: Sendable {
        /// The configuration that `build()` uses.
        public private(set) var configuration = Configuration.adapted()

        /// The smallest size class in bytes: a power of two from 4 KiB to 1 GiB.
        public func minBufferSize(_ byteCount: Int) -> Builder { with { $0.minBufferSize = byteCount } }

        /// Buffers per size class that a thread caches at most: 0 to 1,000.
        public func tlsCacheSize(_ count: Int) -> Builder { with { $0.tlsCacheSize = count } }

        /// Bytes per size class that a thread caches at most, though always two buffers.
        public func tlsCacheByteCount(_ byteCount: Int) -> Builder { with { $0.tlsCacheByteCount = byteCount } }

        /// Idle buffers per size class that a shard keeps at most.
        public func maxBuffersPerShard(_ count: Int) -> Builder { with { $0.maxBuffersPerShard = count } }

        /// The number of shards, each with a lock: a power of two from 1 to 128.
        public func numShards(_ count: Int) -> Builder { with { $0.numShards = count } }

        /// Whether memory is locked, as far as the system allows.
        public func pinnedMemory(_ isPinned: Bool) -> Builder { with { $0.pinnedMemory = isPinned } }

        /// Whether the pool asks for huge pages.
        public func hugePages(_ isAdvised: Bool) -> Builder { with { $0.hugePages = isAdvised } }

        /// What a full shard evicts.
        public func evictionPolicy(_ policy: EvictionPolicy) -> Builder { with { $0.evictionPolicy = policy } }

        /// Bytes that the pool maps at most.
        public func maxByteCount(_ byteCount: Int) -> Builder { with { $0.maxByteCount = byteCount } }

        /// Bytes that a shard maps at most.
        public func maxByteCountPerShard(_ byteCount: Int) -> Builder { with { $0.maxByteCountPerShard = byteCount } }

        /// Bytes that all shards together keep idle at most.
        public func maxIdleByteCount(_ byteCount: Int) -> Builder { with { $0.maxIdleByteCount = byteCount } }

        /// Whether memory is overwritten with zeroes when it is returned.
        public func wipesOnReturn(_ isWiping: Bool = true) -> Builder { with { $0.wipesOnReturn = isWiping } }

        /// Seconds that memory may be idle before it goes back to the system; `.infinity` for never.
        public func maxIdleSeconds(_ seconds: Double) -> Builder { with { $0.maxIdleSeconds = seconds } }

        /// Whether the pool looks for mistakes.
        public func debugging(_ isDebugging: Bool = true) -> Builder { with { $0.debugging = isDebugging } }

        /// The pool. Traps when the configuration is impossible (`Configuration` gives the ranges).
        public func build() -> BufferPool { BufferPool(configuration) }

        private func with(_ change: (inout Configuration) -> Void) -> Builder {
            var copy = self
            change(&copy.configuration)
            return copy
        }
    }
}
