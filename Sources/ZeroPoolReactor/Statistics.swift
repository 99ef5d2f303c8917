/// Counts of what reactors did. The names are those of the JSON that `pooled-echo --stats json` prints.
public struct ReactorStatistics: Sendable, Codable {
    /// Connections of all reactors.
    public struct Connections: Sendable, Codable {
        /// Connections that were served.
        public internal(set) var accepted = 0
        /// Closed at once, because a limit on connections was reached.
        public internal(set) var refused = 0
        /// Ended by an error, such as a reset by the peer.
        public internal(set) var failed = 0
        /// Closed after the idle time without traffic.
        public internal(set) var idle = 0
        /// Cut while others waited for buffers, because the peer took no whole buffer for the stall time.
        public internal(set) var stalled = 0
        /// Cut while the server stopped, with bytes unsent.
        public internal(set) var cut = 0
    }

    /// Bytes of all connections.
    public struct Bytes: Sendable, Codable {
        /// Bytes received for a handler.
        public internal(set) var received = 0
        /// Bytes that the kernel took.
        public internal(set) var sent = 0
        /// Bytes received that no handler took, because it had returned or the connection had failed.
        public internal(set) var discarded = 0
        /// Bytes of `received` that a receive brought after it was cancelled, because too much was unread.
        public internal(set) var receivedWhilePaused = 0
    }

    /// Zero-copy sends.
    public struct ZeroCopySends: Sendable, Codable {
        /// Sends that asked for it.
        public internal(set) var count = 0
        /// Those that the kernel copied, by its own report.
        public internal(set) var copied = 0
    }

    /// Searches for idle memory, and what they gave back to the system.
    public struct Trims: Sendable, Codable {
        /// Number of searches.
        public internal(set) var count = 0
        /// Bytes of arenas that were unmapped.
        public internal(set) var byteCount = 0
        /// Provided buffers that were taken back.
        public internal(set) var withdrawnBuffers = 0
    }

    /// Connections of all reactors.
    public internal(set) var connections = Connections()
    /// Bytes of all connections.
    public internal(set) var bytes = Bytes()
    /// Receives paused because the peer or the handler did not read.
    public internal(set) var pausedReceives = 0
    /// The most bytes that were unread and unsent at once on a connection whose receive was paused.
    public internal(set) var maxOwedByteCount = 0
    /// Receives that found no buffer and waited for one.
    public internal(set) var starvedReceives = 0
    /// Awaits of a buffer that had to wait.
    public internal(set) var blockWaits = 0
    /// Periods in which connections waited and the pool had no buffer.
    public internal(set) var scarcities = 0
    /// Operations submitted, by the kernel's name.
    public internal(set) var operations: [String: Int] = [:]
    /// Calls of `io_uring_enter`.
    public internal(set) var enterCalls = 0
    /// Bytes registered with the rings when serving ended.
    public internal(set) var registeredByteCount = 0
    /// Operations that named registered memory.
    public internal(set) var fixedBufferOperations = 0
    /// Operations that used plain memory, because the limit on locked memory was reached.
    public internal(set) var plainFallbacks = 0
    /// Zero-copy sends.
    public internal(set) var zeroCopySends = ZeroCopySends()
    /// Searches for idle memory.
    public internal(set) var trims = Trims()

    /// Nothing done yet.
    public init() {}

    /// Adds the counts of another reactor.
    public mutating func add(_ other: ReactorStatistics) {
        connections.accepted += other.connections.accepted
        connections.refused += other.connections.refused
        connections.failed += other.connections.failed
        connections.idle += other.connections.idle
        connections.stalled += other.connections.stalled
        connections.cut += other.connections.cut
        bytes.received += other.bytes.received
        bytes.sent += other.bytes.sent
        bytes.discarded += other.bytes.discarded
        bytes.receivedWhilePaused += other.bytes.receivedWhilePaused
        pausedReceives += other.pausedReceives
        maxOwedByteCount = max(maxOwedByteCount, other.maxOwedByteCount)
        starvedReceives += other.starvedReceives
        blockWaits += other.blockWaits
        scarcities += other.scarcities
        operations.merge(other.operations, uniquingKeysWith: +)
        enterCalls += other.enterCalls
        registeredByteCount += other.registeredByteCount
        fixedBufferOperations += other.fixedBufferOperations
        plainFallbacks += other.plainFallbacks
        zeroCopySends.count += other.zeroCopySends.count
        zeroCopySends.copied += other.zeroCopySends.copied
        trims.count += other.trims.count
        trims.byteCount += other.trims.byteCount
        trims.withdrawnBuffers += other.trims.withdrawnBuffers
    }
}
