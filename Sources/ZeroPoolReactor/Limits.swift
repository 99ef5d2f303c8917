/// What a reactor allows its connections.
public struct ConnectionLimits: Sendable {
    /// Stop reading from a peer when this many bytes are unread or unsent; resume at half. Bytes.
    public var unreadByteCount: Int
    /// The same for buffers, since small messages take a buffer each.
    public var unreadBufferCount: Int
    /// Close a connection after this many seconds without traffic; 0 for never. Found within an eighth more.
    public var idleSeconds = 600.0
    /// While others wait for buffers, cut a connection whose peer takes no whole buffer for this many seconds. More than 0.
    public var stallSeconds = 0.5
    /// After a handler has returned, wait this many seconds for the peer's end of stream; nil until the drain ends.
    public var lingerSeconds: Double? = 2

    /// Limits for receive buffers of `bufferByteCount` bytes: 1 MiB, or four buffers where those are larger.
    public init(bufferByteCount: Int = 65_536, unreadByteCount: Int? = nil) {
        self.unreadByteCount = unreadByteCount ?? max(1 << 20, 4 * bufferByteCount)
        unreadBufferCount = max(16, self.unreadByteCount / bufferByteCount)
    }

    /// The same while buffers are scarce: one at a time.
    var scarce: ConnectionLimits {
        var limits = self
        limits.unreadBufferCount = 1
        return limits
    }
}

/// What a reactor itself is asked for.
package struct ReactorLimits: Sendable {
    package var connection = ConnectionLimits()
    /// Memory that was idle for this many seconds goes back to the system; 0 for never.
    package var trimSeconds = 2.0
    /// How long a draining reactor waits for its peers, in seconds.
    package var drainSeconds = 5.0
    /// The grain of deadlines, in seconds.
    package var deadlineGrainSeconds = 0.1

    package init(
        connection: ConnectionLimits = ConnectionLimits(), trimSeconds: Double = 2, drainSeconds: Double = 5,
        deadlineGrainSeconds: Double = 0.1
    ) {
        self.connection = connection
        self.trimSeconds = trimSeconds
        self.drainSeconds = drainSeconds
        self.deadlineGrainSeconds = deadlineGrainSeconds
    }
}
