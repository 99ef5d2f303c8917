package import ZeroPool

/// What a server did, measured while it did it. The names are those of the JSON that users get.
package struct ServerStatistics: Sendable, Codable {
    /// Connections of all reactors.
    package struct Connections: Sendable, Codable {
        package var accepted = 0
        /// Closed at once, past a limit on connections.
        package var refused = 0
        /// Ended by an error, such as a reset by the peer.
        package var failed = 0
        /// Closed for want of any event for the idle time.
        package var idle = 0
        /// Cut while others waited for buffers, since the peer took no whole buffer for the stall time.
        package var stalled = 0
        /// Cut while the server stopped, with bytes still owed.
        package var cut = 0
    }

    /// Bytes of all connections.
    package struct Bytes: Sendable, Codable {
        package var received = 0
        package var sent = 0
        /// Received and not echoed: while draining, after the half-close, and on connections that had failed.
        package var discarded = 0
        /// Of those received: what a receive still brought that had been cancelled, since its connection owed too much.
        package var receivedWhilePaused = 0
    }

    package struct ZeroCopySends: Sendable, Codable {
        package var count = 0
        /// Of these, how many the kernel copied after all, by its own report.
        package var copied = 0
    }

    /// Looks for idle memory, and what went back to the system by them.
    package struct Trims: Sendable, Codable {
        package var count = 0
        /// Bytes of arenas that were unmapped.
        package var byteCount = 0
        /// Buffers taken back that waited for bytes.
        package var withdrawnBuffers = 0
    }

    package var buffers = BufferMode.registered
    package var reactors = 0
    package var connections = Connections()
    package var bytes = Bytes()
    /// Receives paused since the peer did not read what it was owed.
    package var pausedReceives = 0
    /// The most that a connection whose receive was paused owed at once, in bytes.
    package var maxOwedByteCount = 0
    /// Receives that found no buffer, and waited for one.
    package var starvedReceives = 0
    /// Times in which the pool had no buffer for those who waited.
    package var scarcities = 0
    /// Operations submitted, by the kernel's opcode.
    package var operations: [String: Int] = [:]
    /// Calls of `io_uring_enter`.
    package var enterCalls = 0
    /// What the pool says of itself, by size class and in sum, at the end of service.
    package var pool = BufferPool.Statistics()
    /// Bytes registered with the rings, at the end of service.
    package var registeredByteCount = 0
    /// Operations that named registered memory.
    package var fixedBufferOperations = 0
    /// Operations that could have, but for memory past the limit on locked memory.
    package var plainFallbacks = 0
    package var zeroCopySends = ZeroCopySends()
    package var trims = Trims()
    /// Of a file server.
    package var files: FileStatistics?

    /// Adds what another reactor did.
    mutating func add(_ other: ServerStatistics) {
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
        if let part = other.files {
            var sum = files ?? FileStatistics()
            sum.add(part)
            files = sum
        }
    }
}
