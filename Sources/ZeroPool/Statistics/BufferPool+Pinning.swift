import Synchronization

extension BufferPool.Statistics {
    /// How much memory a pool with `Configuration.pinnedMemory` has locked, and what holds it back.
    public struct Pinning: Sendable, Hashable, Codable {
        /// As many bytes as should be locked: all that is mapped; 0 in a pool that does not lock.
        public var wantedByteCount = 0
        /// As many bytes as are locked. Whole arenas are or are not; what is unmapped is unlocked by that.
        public var pinnedByteCount = 0
        /// As many bytes as the process may lock in all, other memory of its own included: the soft limit of
        /// `RLIMIT_MEMLOCK`, as it is now. Nil where nothing limits it (`unlimited`, or the capability `CAP_IPC_LOCK`; one
        /// that a user namespace gives is taken for it, but does not lift the limit), and in a pool that does not lock.
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
