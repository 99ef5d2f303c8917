/// One connection's state, without any I/O: events go in, and `nextAction()` says what is to be done.
///
/// The rules:
/// 1. What comes in is queued, and sent one lease at a time, so that bytes keep their order.
/// 2. Receiving pauses while the peer owes us reading: at `Limits.queuedLeaseCount` leases or
///    `Limits.owedByteCount` bytes; it goes on when at most half of that is left.
/// 3. After the peer's end of stream the queue is sent out, then the connection is closed.
/// 4. Draining ends receiving, sends the queue out, shuts down writing, and discards what still comes until the peer's
///    end of stream: closing a socket with unread input would reset it, and destroy what was echoed.
/// 5. A failed connection ends its operations, drops its queue, and is closed: by a reset where bytes were owed, or come in
///    still, since an end of stream would hide that they are lost.
/// 6. The connection is closed only when no operation is under way: terminate, join, close.
struct EchoConnection: ServedConnection {
    /// How far a connection may get ahead of its peer's reading.
    struct Limits: ConnectionLimits {
        /// Leases held, those of sends under way or not yet acknowledged included, at which receiving pauses.
        var queuedLeaseCount = 16
        /// Bytes owed at which receiving pauses.
        var owedByteCount = 1 << 20

        init(queuedLeaseCount: Int, owedByteCount: Int) {
            self.queuedLeaseCount = queuedLeaseCount
            self.owedByteCount = owedByteCount
        }

        /// For buffers of that size: by default a mebibyte, or four buffers where those are larger; with less, each would
        /// pause its connection. Small messages take a buffer each, so leases are limited too: to the bytes' worth of them.
        init(bufferByteCount: Int, owedByteCount: Int? = nil) {
            self.owedByteCount = owedByteCount ?? max(1 << 20, 4 * bufferByteCount)
            queuedLeaseCount = max(16, self.owedByteCount / bufferByteCount)
        }

        /// The same where buffers are scarce: one at a time.
        var scarce: Limits { Limits(queuedLeaseCount: 1, owedByteCount: owedByteCount) }
    }

    typealias Action = ConnectionAction<Never>

    private enum Input {
        case open
        /// Draining, all sent, write side shut: what comes is thrown away.
        case discarding
        case ended
    }

    var reception: Reception
    var transmission = Transmission()
    private var input = Input.open
    private var isDraining = false
    private(set) var isFailed = false
    private(set) var isCut = false
    private(set) var isClosed = false

    /// A connection that begins at once, or that is held until it is identified.
    init(isHeld: Bool = false) { reception = Reception(isHeld: isHeld) }

    /// Leases queued, the one in flight included.
    var queuedLeaseCount: Int { transmission.queuedLeaseCount }
    /// Bytes received and not yet sent.
    var owedByteCount: Int { transmission.owedByteCount }
    /// Whether it would receive, but that it owes too much.
    var isPaused: Bool { receive == .idle && input == .open && !isDraining && !isFailed }
    /// One that keeps up has nothing queued but what came last. From one that lags, a multishot receive would bring at once
    /// whatever its peer has sent meanwhile, many times the limit maybe.
    var isLagging: Bool { queuedLeaseCount > 1 }

    // MARK: Events

    /// Bytes came in. - Returns: whether they are to be queued; else the lease is dropped.
    mutating func received(byteCount: Int) -> Bool {
        guard !isFailed, input == .open else {
            // Lost, which the peer must learn, unless it was told before that nothing more comes.
            if input == .open { transmission.owe(byteCount: byteCount) }
            return false
        }
        transmission.queueLease()
        transmission.owe(byteCount: byteCount)
        return true
    }

    mutating func receiveEnded(isEndOfStream: Bool, isFailure: Bool, isStarved: Bool) {
        reception.ended(isStarved: isStarved && !isFailed)
        if isEndOfStream { input = .ended }
        if isFailure { isFailed = true }
    }

    mutating func sendFailed() {
        transmission.failed()
        isFailed = true
    }

    /// The server stops: finish what was received.
    mutating func drain() { isDraining = true }

    /// A limit is passed. - Returns: false when the connection ends already.
    mutating func cut() -> Bool {
        guard !isClosed, !isFailed else { return false }
        isFailed = true
        isCut = true
        return true
    }

    // MARK: Actions

    /// What is to be done now, one thing at a time until nil; it counts as begun.
    mutating func nextAction(_ limits: Limits) -> Action? {
        guard !isClosed else { return nil }
        if isFailed { return nextActionOfFailed() }
        if transmission.begin() { return .send }
        switch input {
        case .open:
            return isDraining ? nextActionOfDraining() : nextActionOfOpen(limits)
        case .discarding:
            guard receive == .idle else { return nil }
            reception.arm()
            return .armReceive
        case .ended:
            guard receive == .idle, queuedLeaseCount == 0, transmission.unreleasedCount == 0, !transmission.isBusy
            else {
                return nil
            }
            isClosed = true
            return .close
        }
    }

    private mutating func nextActionOfOpen(_ limits: Limits) -> Action? {
        switch receive {
        case .armed:
            let isAhead =
                transmission.leaseCount >= limits.queuedLeaseCount || owedByteCount >= limits.owedByteCount
            return isAhead ? endReceiving() : nil
        case .idle:
            guard transmission.leaseCount <= limits.queuedLeaseCount / 2, owedByteCount <= limits.owedByteCount / 2
            else {
                return nil
            }
            reception.arm()
            return .armReceive
        case .armedForOne, .cancelling, .waiting, .held:
            return nil
        }
    }

    private mutating func nextActionOfDraining() -> Action? {
        if let action = endReceiving() { return action }
        guard receive == .idle, queuedLeaseCount == 0 else { return nil }
        input = .discarding
        transmission.halfClose()
        return .shutdownWrite
    }

    private mutating func nextActionOfFailed() -> Action? {
        if let action = endReceiving() { return action }
        if transmission.cancel() { return .cancelSend }
        guard receive == .idle, !transmission.isBusy else { return nil }
        isClosed = true
        return transmission.isOwing ? .reset : .close
    }
}
