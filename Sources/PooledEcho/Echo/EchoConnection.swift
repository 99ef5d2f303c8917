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
struct EchoConnection {
    /// How far a connection may get ahead of its peer's reading.
    struct Limits {
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

    enum Action: Equatable {
        case armReceive
        case cancelReceive
        /// No longer wait for buffers.
        case stopWaiting
        /// Send the head of the queue.
        case send
        case cancelSend
        case shutdownWrite
        case close
        /// Close with an error for the peer, dropping what is queued.
        case reset
    }

    enum Receive: Equatable {
        case idle
        case armed
        /// For one buffer: it ends by itself with the first bytes.
        case armedForOne
        case cancelling
        /// There was no buffer, or others wait for one; the reactor arms it when its turn has come.
        case waiting
        /// Not before it is known who the peer is.
        case held
    }

    private enum Input {
        case open
        /// Draining, all sent, write side shut: what comes is thrown away.
        case discarding
        case ended
    }

    private(set) var receive = Receive.idle
    private var input = Input.open
    private(set) var isSending = false
    private var isSendCancelled = false
    private var isDraining = false
    private(set) var isFailed = false
    /// Whether it failed by a limit of ours.
    private(set) var isCut = false
    private(set) var isClosed = false
    /// Whether zero-copy sends are tried: until the kernel reports that it copied.
    var mayZeroCopy = true
    /// Leases queued, the one in flight included.
    private(set) var queuedLeaseCount = 0
    /// Zero-copy sends whose memory the kernel still reads, since the peer has not acknowledged it.
    private var unreleasedCount = 0
    /// Bytes received and not yet sent.
    private(set) var owedByteCount = 0

    /// A connection that begins at once, or that is held until `identified`.
    init(isHeld: Bool = false) {
        if isHeld { receive = .held }
    }

    /// Whether its peer is to read before more can happen.
    var isDebtor: Bool { !isFailed && !isClosed && (isSending || unreleasedCount > 0) }
    /// Whether it would receive, but that it owes too much.
    var isPaused: Bool { receive == .idle && input == .open && !isDraining && !isFailed }
    /// Leases that it holds.
    var leaseCount: Int { queuedLeaseCount + unreleasedCount }

    // MARK: Events

    /// It is known who the peer is, and it may begin.
    mutating func identified() {
        if receive == .held { receive = .idle }
    }

    /// Bytes came in. - Returns: whether they are to be queued; else the lease is dropped.
    mutating func received(byteCount: Int) -> Bool {
        guard !isFailed, input == .open else {
            // Lost, which the peer must learn, unless it was told before that nothing more comes.
            if input == .open { owedByteCount += byteCount }
            return false
        }
        queuedLeaseCount += 1
        owedByteCount += byteCount
        return true
    }

    mutating func receiveEnded(isEndOfStream: Bool, isFailure: Bool, isStarved: Bool) {
        receive = isStarved && !isFailed ? .waiting : .idle
        if isEndOfStream { input = .ended }
        if isFailure { isFailed = true }
    }

    /// It is to receive, and others wait to: it joins them.
    mutating func joinsWaiting() {
        assert(receive == .armed)
        receive = .waiting
    }

    /// It is to receive, for one buffer.
    mutating func receivesOneBuffer() {
        assert(receive == .armed)
        receive = .armedForOne
    }

    /// Buffers are back, and it is this connection's turn.
    mutating func fed() {
        assert(receive == .waiting)
        receive = .idle
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

    mutating func sendFailed() {
        isSending = false
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
        if !isSending, queuedLeaseCount > 0 {
            isSending = true
            return .send
        }
        switch input {
        case .open:
            return isDraining ? nextActionOfDraining() : nextActionOfOpen(limits)
        case .discarding:
            guard receive == .idle else { return nil }
            receive = .armed
            return .armReceive
        case .ended:
            guard receive == .idle, queuedLeaseCount == 0, unreleasedCount == 0 else { return nil }
            isClosed = true
            return .close
        }
    }

    private mutating func nextActionOfOpen(_ limits: Limits) -> Action? {
        switch receive {
        case .armed:
            let isAhead =
                leaseCount >= limits.queuedLeaseCount || owedByteCount >= limits.owedByteCount
            guard isAhead else { return nil }
            receive = .cancelling
            return .cancelReceive
        case .idle:
            guard leaseCount <= limits.queuedLeaseCount / 2, owedByteCount <= limits.owedByteCount / 2 else {
                return nil
            }
            receive = .armed
            return .armReceive
        case .armedForOne, .cancelling, .waiting, .held:
            return nil
        }
    }

    private mutating func nextActionOfDraining() -> Action? {
        if let action = endReceiving() { return action }
        guard receive == .idle, queuedLeaseCount == 0 else { return nil }
        input = .discarding
        return .shutdownWrite
    }

    private mutating func nextActionOfFailed() -> Action? {
        if let action = endReceiving() { return action }
        if isSending, !isSendCancelled {
            isSendCancelled = true
            return .cancelSend
        }
        guard receive == .idle, !isSending else { return nil }
        isClosed = true
        return owedByteCount > 0 || unreleasedCount > 0 ? .reset : .close
    }

    /// What ends receiving, unless that is under way or done.
    private mutating func endReceiving() -> Action? {
        switch receive {
        case .armed, .armedForOne:
            receive = .cancelling
            return .cancelReceive
        case .waiting:
            receive = .idle
            return .stopWaiting
        case .idle, .cancelling, .held:
            return nil
        }
    }
}
