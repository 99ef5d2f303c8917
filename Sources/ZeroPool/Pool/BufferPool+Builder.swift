extension BufferPool {
    /// A pool in steps, from a configuration adapted to the machine.
    ///
    /// ```swift
    /// let pool = BufferPool.builder().minBufferSize(64 * 1024).tlsCacheSize(8).build()
    /// ```
    public static func builder() -> Builder { Builder() }

    /// Sets single values of a `Configuration`; each call returns a changed copy.
    public struct Builder: Sendable {
        /// What `build()` makes a pool of.
        public private(set) var configuration = Configuration.adapted()

        /// The smallest size class in bytes: a power of two from 4 KiB to 1 GiB.
        public func minBufferSize(_ byteCount: Int) -> Builder { with { $0.minBufferSize = byteCount } }

        /// As many buffers of each class as a thread keeps to itself at most: 0 to 1,000.
        public func tlsCacheSize(_ count: Int) -> Builder { with { $0.tlsCacheSize = count } }

        /// As many bytes of each class as a thread keeps to itself, though two buffers in any case.
        public func tlsCacheByteCount(_ byteCount: Int) -> Builder { with { $0.tlsCacheByteCount = byteCount } }

        /// As many idle buffers of each class as a shard keeps.
        public func maxBuffersPerShard(_ count: Int) -> Builder { with { $0.maxBuffersPerShard = count } }

        /// Parts of the pool with a lock each: a power of two from 1 to 128.
        public func numShards(_ count: Int) -> Builder { with { $0.numShards = count } }

        /// Whether memory is locked, best effort.
        public func pinnedMemory(_ isPinned: Bool) -> Builder { with { $0.pinnedMemory = isPinned } }

        /// Whether memory is advised to huge pages, or against them.
        public func hugePages(_ isAdvised: Bool) -> Builder { with { $0.hugePages = isAdvised } }

        /// What leaves when a shard is full.
        public func evictionPolicy(_ policy: EvictionPolicy) -> Builder { with { $0.evictionPolicy = policy } }

        /// As many bytes as the pool maps at most.
        public func maxByteCount(_ byteCount: Int) -> Builder { with { $0.maxByteCount = byteCount } }

        /// As many bytes as a shard maps at most.
        public func maxByteCountPerShard(_ byteCount: Int) -> Builder { with { $0.maxByteCountPerShard = byteCount } }

        /// As many bytes as the shards keep idle, all together.
        public func maxIdleByteCount(_ byteCount: Int) -> Builder { with { $0.maxIdleByteCount = byteCount } }

        /// Whether memory is overwritten with zeroes when it is returned.
        public func wipesOnReturn(_ isWiping: Bool = true) -> Builder { with { $0.wipesOnReturn = isWiping } }

        /// As many seconds as memory stays idle before it goes back to the system; `.infinity` for never.
        public func maxIdleSeconds(_ seconds: Double) -> Builder { with { $0.maxIdleSeconds = seconds } }

        /// Whether the pool looks for mistakes in the use of leases.
        public func debugging(_ isDebugging: Bool = true) -> Builder { with { $0.debugging = isDebugging } }

        /// The pool. Traps when the configuration is impossible (`Configuration` says what is possible).
        public func build() -> BufferPool { BufferPool(configuration) }

        private func with(_ change: (inout Configuration) -> Void) -> Builder {
            var copy = self
            change(&copy.configuration)
            return copy
        }
    }
}
