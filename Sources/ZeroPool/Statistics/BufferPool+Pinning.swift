import Synchronization

extension BufferPool.Statistics {
    /// How much memory a pool with `Configuration.pinnedMemory` has locked, and what limits it.
    public struct Pinning: Sendable, Hashable, Codable {
        /// Bytes that should be locked: all that is mapped; 0 in a pool that does not lock.
        public var wantedByteCount = 0
        /// Bytes that are locked, in whole arenas.
        public var pinnedByteCount = 0
        /// Bytes that the process may lock in total, including other memory: the current soft limit of
        /// `RLIMIT_MEMLOCK`. Nil when there is no limit (`unlimited`, or the capability `CAP_IPC_LOCK`), and in a pool
        /// that does not lock. The capability of a user namespace counts here, although it does not lift the limit.
        public var limitByteCount: Int?

        /// Nothing wanted, nothing locked.
        public init() {}
    }
}

extension PoolCore {
    func pinning() -> BufferPool.Statistics.Pinning {
        var pinning = BufferPool.Statistics.Pinning()
        guard configuration.pinnedMemory else { return pinning }
        pinning.wantedByteCount = mappedByteCount.load(ordering: .relaxed)
        pinning.pinnedByteCount = pinnedByteCount.load(ordering: .relaxed)
        pinning.limitByteCount = SystemMemory.lockLimitByteCount
        return pinning
    }
}
