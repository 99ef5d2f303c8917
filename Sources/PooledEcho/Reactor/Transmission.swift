/// The sending side of a connection's state, the same for every service: leases go out one at a time, in order.
struct Transmission {
    private(set) var isSending = false
    private var isCancelled = false
    /// The write side is being shut down: on a thread of the kernel's, which looks into the file table when it comes to it, and
    /// must find this connection there and not the next one.
    private(set) var isHalfClosing = false
    /// Leases queued, the one in flight included.
    private(set) var queuedLeaseCount = 0
    /// Zero-copy sends whose memory the kernel still reads, since the peer has not acknowledged it.
    private(set) var unreleasedCount = 0
    /// Bytes that the peer is to get and that are not sent yet.
    private(set) var owedByteCount = 0
    /// Whether zero-copy sends are tried: until the kernel reports that it copied.
    private(set) var mayZeroCopy = true

    /// Leases that it holds.
    var leaseCount: Int { queuedLeaseCount + unreleasedCount }

    /// Whether the peer has to take something, before more can go or before what it was sent is free again.
    var isAwaitingPeer: Bool { isSending || unreleasedCount > 0 }

    /// Whether an operation is under way, to which the connection has to belong until it ends.
    var isBusy: Bool { isSending || isHalfClosing }

    /// Whether a peer that sees the end of the stream now would miss something.
    var isOwing: Bool { owedByteCount > 0 || unreleasedCount > 0 }

    mutating func owe(byteCount: Int) { owedByteCount += byteCount }

    mutating func queueLease() { queuedLeaseCount += 1 }

    /// Whether the head of the queue is to be sent now; it counts as begun.
    mutating func begin() -> Bool {
        guard !isSending, queuedLeaseCount > 0 else { return false }
        isSending = true
        return true
    }

    /// Bytes of the head of the queue went out. - Returns: whether the lease is sent as a whole; else the rest goes next.
    mutating func sent(byteCount: Int, of remaining: Int) -> Bool {
        isSending = false
        owedByteCount -= byteCount
        guard byteCount == remaining else { return false }
        queuedLeaseCount -= 1
        return true
    }

    /// What was sent just now was sent without a copy: its memory is the kernel's until `released`.
    mutating func sentZeroCopy() { unreleasedCount += 1 }

    mutating func released(wasCopied: Bool) {
        unreleasedCount -= 1
        if wasCopied { mayZeroCopy = false }
    }

    mutating func failed() { isSending = false }

    mutating func halfClose() { isHalfClosing = true }

    mutating func halfClosed() { isHalfClosing = false }

    /// Whether a send under way is to be cancelled now: once.
    mutating func cancel() -> Bool {
        guard isSending, !isCancelled else { return false }
        isCancelled = true
        return true
    }
}
