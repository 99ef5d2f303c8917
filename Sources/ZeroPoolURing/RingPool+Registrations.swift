extension RingPool {
    /// What of the shard's memory is registered with the ring.
    public struct Registrations: Sendable {
        /// Arenas registered now.
        public internal(set) var registeredArenaCount = 0
        /// Bytes registered now.
        public internal(set) var registeredByteCount = 0
        /// Arenas that could not be registered, so far: their buffers work, as plain memory.
        public internal(set) var plainArenaCount = 0
        /// How often the kernel refused for the limit on locked memory (`ENOMEM`).
        public internal(set) var memlockRefusalCount = 0
        /// Operations, so far, that named registered memory.
        public internal(set) var fixedOperationCount = 0
        /// Fixed operations, so far, that became plain ones, since their lease's memory is not registered here.
        public internal(set) var plainFallbackCount = 0
        /// Why the latest arena could not be registered; its ``RingError/remedy`` is for the user.
        public internal(set) var lastError: RingError?

        /// Nothing registered yet.
        public init() {}
    }
}
