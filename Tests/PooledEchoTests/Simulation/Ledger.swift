/// The books of one connection, as the model keeps them: what the reactor asked for and was told.
struct Ledger {
    /// Why a connection may end before its peer ends it.
    enum Cause: Equatable {
        /// An operation of it failed.
        case failure
        /// Nothing came or went for the idle time.
        case idleness
        /// Its peer took nothing for the stall time, and others waited.
        case stall
        /// The drain time was over, or a second stop came.
        case drainEnd
    }

    // Under way: noted, and the final event not handed over.
    var isReceiving = false
    var isReceiveCancelled = false
    var isReceiveMultishot = false
    var isSending = false
    var isHalfClosing = false
    var isIdentifying = false
    var isFileBusy = false
    /// Bytes of the send under way.
    var sendingByteCount = 0

    /// Told: the peer's end of stream, the error of an operation.
    var hasEnded = false
    var hasFailed = false
    /// Asked for.
    var hasShutWrite = false
    var isClosed = false
    var isRefused = false
    /// Its peer reads all there is, soon.
    var isPrompt = false
    /// Counted by the model among the open ones.
    var isOpen = false
    /// Its place in the line of those who wait for buffers.
    var waitingTicket: Int?
    /// It was served: not refused.
    var isServed = false
    /// Known to end before its peer ends it, and why.
    var cause: Cause?
    /// Some of that, while nothing showed whether the reactor cut it then.
    var possibleCauses: [Cause] = []

    /// Bytes and leases handed over that the server is to echo, and those that it sent.
    var receivedByteCount = 0
    var receivedLeaseCount = 0
    var sentByteCount = 0
    var sentLeaseCount = 0
    /// Zero-copy sends without a notification yet.
    var unreleasedCount = 0
    /// Handed over while it was not to be echoed any more: after the half-close, or when the connection had failed.
    var lateByteCount = 0
    /// Of those, bytes that nobody told the peer about.
    var lostByteCount = 0

    /// The turn and the time of the last event by which something came or went.
    var lastTurn = 0
    var lastActivity = 0
    var acceptTime = 0
    /// The turn in which it was cut.
    var cutTurn = 0
    /// Since when there is something to receive.
    var readableSince: Int?

    var owedByteCount: Int { receivedByteCount - sentByteCount }
    var queuedLeaseCount: Int { receivedLeaseCount - sentLeaseCount }
    var heldLeaseCount: Int { queuedLeaseCount + unreleasedCount }
    var isEnding: Bool { cause != nil || hasFailed }

    mutating func becameReadable(at now: Int) {
        if readableSince == nil { readableSince = now }
    }
}
