internal import Glibc
internal import ZeroPool

/// A TCP connection of a reactor, as its handler sees it.
///
/// ```swift
/// while let buffer = try await connection.receive() {
///     try await connection.send(buffer)
/// }
/// ```
///
/// A connection belongs to its reactor's thread, where its handler and the handler's child tasks run; methods trap elsewhere.
/// One task at a time may wait in ``receive(deadline:)``, and one for output.
///
/// Rules:
/// 1. Bytes come in before they are asked for, up to the limits on unread bytes. A handler that does not receive pauses its
///    peer; it goes on at half.
/// 2. Leases are sent one at a time, in order.
/// 3. When the handler returns, what it queued is sent. Then the write side is shut down and what still comes is discarded
///    until the peer's end of stream: closing a socket with unread input would reset it and destroy what was sent.
/// 4. A connection that fails ends its operations and drops its queues. Current and later awaits of its handler throw, and
///    its task is cancelled. It is closed by a reset where bytes are lost, so that no end of stream hides that.
/// 5. It is closed only when its handler has ended and no operation is in flight.
public final class Connection: @unchecked Sendable {
    enum Phase: UInt8 {
        /// Before the peer's address is known, where that is asked for.
        case held
        /// The handler runs.
        case serving
        /// The handler has ended; what it queued is being sent.
        case finishing
        /// The write side is shut down; what still comes is discarded.
        case discarding
        case closed
    }

    /// The receive in the kernel.
    enum Reception: UInt8 {
        case idle
        case armed
        /// For one buffer: it ends by itself with the first bytes.
        case armedForOne
        case cancelling
        /// There was no buffer, or others wait for one. The reactor arms it in its turn.
        case waiting
    }

    let number: ConnectionNumber
    /// Leases that came in and the handler has not taken.
    var inboxCount: UInt32 = 0
    /// The reactor that it belongs to.
    public let reactor: Reactor

    /// The handler's task, to tell it from child tasks, and to cancel it.
    var taskIdentity = TaskIdentity.none
    var task: Task<Void, Never>?
    /// The turn in which bytes last came or went.
    var lastTurn: Int
    /// Bytes in the inbox.
    var unreadByteCount = 0
    var inbox = LeaseQueues.Queue()
    var outbox = LeaseQueues.Queue()
    var receiveWaiter = Waiter()
    var sendWaiter = Waiter()
    var output = Output()
    /// Why it failed.
    var failure: IOError?

    var phase = Phase.serving
    var reception = Reception.idle
    /// The peer's end of stream has come.
    var isInputEnded = false
    /// Bytes were dropped that the peer has sent or should get.
    var losesBytes = false
    /// Set while the handler has promised bytes that it has not enqueued, such as the rest of a message whose length it sent: a
    /// connection that fails meanwhile is reset.
    public var isWithinMessage = false

    /// Accepted connections are drained; outgoing ones end with the work that uses them.
    let isAccepted: Bool

    /// The sending side.
    struct Output {
        var isSending = false
        var isCancelled = false
        var isShutDown = false
        /// A shutdown runs on a thread of the kernel, which must find this connection in its slot and not the next one.
        var isHalfClosing = false
        /// Zero-copy sends are tried until the kernel reports that it copied.
        var mayZeroCopy = true
        /// The wait for output is also for the memory of zero-copy sends.
        var awaitsRelease = false
        /// The wait for output ends at this many leases.
        var awaitedCount: UInt16 = 0
        /// Leases queued, the one in flight included.
        var queuedCount: UInt16 = 0
        /// Zero-copy sends whose memory the kernel still reads, since the peer has not acknowledged it.
        var unreleasedCount: UInt16 = 0
        /// Of the lease in flight: the bytes sent before, and the bytes being sent.
        var sentByteCount: UInt32 = 0
        var sendingByteCount: UInt32 = 0
        /// Bytes of all leases that are not sent.
        var unsentByteCount = 0

        var isAwaitedOver: Bool { queuedCount + (awaitsRelease ? unreleasedCount : 0) <= awaitedCount }
    }

    init(_ number: ConnectionNumber, of reactor: Reactor, isAccepted: Bool) {
        self.number = number
        self.reactor = reactor
        self.isAccepted = isAccepted
        lastTurn = reactor.turn
    }

    /// The peer's address; nil unless ``ReactorGroup/Configuration/identifiesPeers`` is set.
    public var peerAddress: PeerAddress? { reactor.peerAddresses[number] }

    /// Whether the server stops: no new work should begin. ``receive(deadline:)`` returns what has come, then nil.
    public var isDraining: Bool { isAccepted && reactor.isDraining }

    /// Whether a lease may be enqueued: the handler runs, the connection has not failed, and it was not half-closed. For work
    /// that was posted to the reactor, when the handler may have ended meanwhile.
    public var canSend: Bool { phase == .serving && !isFailed && !output.isShutDown }

    /// Bytes received that the handler has not taken.
    public var unreadBytes: Int { unreadByteCount }

    /// Leases sent or enqueued that are still held: by the queue, by the kernel, or until the peer has acknowledged a zero-copy
    /// send.
    public var pendingBufferCount: Int { Int(output.queuedCount) + Int(output.unreleasedCount) }

    /// Bytes of the send in flight; 0 when there is none.
    package var sendingByteCount: Int { output.isSending ? Int(output.sendingByteCount) : 0 }

    // MARK: State

    var isFailed: Bool { failure != nil }
    var leaseCount: Int { Int(inboxCount) + Int(output.queuedCount) + Int(output.unreleasedCount) }
    var owedByteCount: Int { unreadByteCount + output.unsentByteCount }
    /// Whether its peer has to read before more can happen.
    var isDebtor: Bool { !isFailed && phase != .closed && (output.isSending || output.unreleasedCount > 0) }
    /// Whether the handler would get more, but that too much is unread.
    var isPaused: Bool { phase == .serving && reception == .idle && !isInputEnded && !isDraining && !isFailed }
    /// One that keeps up has nothing but what came last. From one that lags, a multishot receive would bring at once all
    /// that its peer has sent meanwhile, many times the limit maybe.
    var isLagging: Bool { Int(inboxCount) + Int(output.queuedCount) > 1 }
    /// Whether nothing more will come for the handler.
    var isInputOver: Bool { isInputEnded || isDraining && reception == .idle }

    // MARK: Events of the kernel

    func received(_ lease: consuming PooledBuffer) {
        lastTurn = reactor.turn
        let byteCount = lease.count
        guard phase == .serving, !isFailed else {
            // Lost, which the peer must learn, unless it was told before that nothing more is read.
            if isFailed, !output.isShutDown { losesBytes = true }
            reactor.counts.value.bytes.discarded += byteCount
            return
        }
        reactor.counts.value.bytes.received += byteCount
        // A copy of the queue, here and below: a call within a change of a class's property is checked for exclusivity.
        var queue = inbox
        reactor.queues.value.push(lease, to: &queue)
        inbox = queue
        inboxCount &+= 1
        unreadByteCount &+= byteCount
        if reception == .cancelling {
            reactor.counts.value.bytes.receivedWhilePaused += byteCount
            reactor.countOwed(owedByteCount)
        }
        resumeReceiver()
        if reception == .armed, isAhead { endReceiving() }
    }

    func receiveEnded(errno: Int32, isEndOfStream: Bool) {
        let isStarved = errno == ENOBUFS
        let wasCancelled = reception == .cancelling
        reception = .idle
        if isEndOfStream { isInputEnded = true }
        if errno != 0, !isStarved, errno != ECANCELED, errno != EINTR { fail(IOError(.receive, errno: errno)) }
        if isStarved, !isFailed, !wasCancelled || wantsToReceive { reactor.starved(self) }
        if isInputOver { resumeReceiver() }
        advance()
        // Where buffers are scarce each receive ends so.
        if reactor.scarcity == nil, isPaused {
            reactor.counts.value.pausedReceives += 1
            reactor.countOwed(owedByteCount)
        }
    }

    func sent(_ lease: consuming PooledBuffer?, byteCount: Int) {
        lastTurn = reactor.turn
        reactor.counts.value.bytes.sent += byteCount
        output.isSending = false
        output.unsentByteCount -= byteCount
        let isWhole = byteCount == Int(output.sendingByteCount)
        switch consume lease {
        case .some(let lease) where !isWhole && !isFailed:
            // The rest goes first.
            output.sentByteCount += UInt32(byteCount)
            var queue = outbox
            reactor.queues.value.pushFirst(lease, to: &queue)
            outbox = queue
        case .some:
            output.sentByteCount = 0
            output.queuedCount -= 1
            if !isWhole { losesBytes = true }
        case .none:
            output.sentByteCount = 0
            output.queuedCount -= 1
            output.unreleasedCount += 1
            // If it came short, the rest is still the kernel's memory, and can't be sent in time.
            if !isWhole {
                losesBytes = true
                fail(IOError(.send, errno: EIO))
            }
        }
        outputAdvanced()
    }

    func sendFailed(_ lease: consuming PooledBuffer?, errno: Int32) {
        // A failed zero-copy send may have its memory with the kernel all the same.
        if case .none = consume lease { output.unreleasedCount += 1 }
        output.isSending = false
        output.queuedCount -= 1
        losesBytes = true
        fail(IOError(.send, errno: errno))
        advance()
    }

    func released(wasCopied: Bool) {
        lastTurn = reactor.turn
        output.unreleasedCount -= 1
        if wasCopied { output.mayZeroCopy = false }
        outputAdvanced()
    }

    func halfClosed() {
        output.isHalfClosing = false
        resumeSender()
        advance()
    }

    /// A lease was sent, or its memory came back.
    @inline(__always)
    private func outputAdvanced() {
        if !isFailed, output.queuedCount > 0, !output.isSending { startSending() }
        if sendWaiter.isWaiting, output.isAwaitedOver { resumeSender() }
        if phase == .serving, !isFailed { updateReceiving() } else { advance() }
    }

    @inline(__always)
    func resumeReceiver(_ outcome: Waiter.Outcome = .ready) { unsafe receiveWaiter.take(outcome)?.resume() }

    @inline(__always)
    func resumeSender(_ outcome: Waiter.Outcome = .ready) { unsafe sendWaiter.take(outcome)?.resume() }

    // MARK: Receiving

    /// Whether so much is unread and unsent that receiving should pause.
    private var isAhead: Bool {
        let limits = reactor.connectionLimits
        return leaseCount >= limits.unreadBufferCount || owedByteCount >= limits.unreadByteCount
    }

    /// Whether the handler waits for bytes and should get some beyond the limits: unless its peer acknowledges nothing, or
    /// buffers are scarce and the connection holds one already.
    private var isAwaited: Bool {
        receiveWaiter.isWaiting && inboxCount == 0
            && Int(output.unreleasedCount) < reactor.limits.connection.unreadBufferCount
            && (output.queuedCount == 0 || reactor.scarcity == nil)
    }

    /// Whether a receive should be armed.
    var wantsToReceive: Bool {
        guard !isInputEnded, !isFailed else { return false }
        switch phase {
        case .serving:
            guard !isDraining else { return false }
            if isAwaited { return true }
            let limits = reactor.connectionLimits
            return leaseCount <= limits.unreadBufferCount / 2 && owedByteCount <= limits.unreadByteCount / 2
        case .discarding: return !isLingeringOver
        case .held, .finishing, .closed: return false
        }
    }

    /// Arms or ends the receive, as the limits want it.
    func updateReceiving() {
        switch reception {
        case .idle: if wantsToReceive { reactor.armReceive(self) }
        case .armed: if phase == .serving, isAhead, !isAwaited { endReceiving() }
        case .armedForOne, .cancelling, .waiting: break
        }
    }

    /// Ends the receive, unless that is under way or done.
    func endReceiving() {
        switch reception {
        case .armed, .armedForOne:
            reception = .cancelling
            reactor.ring.cancelReceive(number)
        case .waiting:
            reception = .idle
            reactor.waiting.value.remove(number)
        case .idle, .cancelling: break
        }
    }

    /// The oldest lease that came in.
    func takeReceived() -> PooledBuffer? {
        var queue = inbox
        guard let lease = reactor.queues.value.pop(from: &queue) else { return nil }
        inbox = queue
        inboxCount &-= 1
        let byteCount = lease.count
        unreadByteCount &-= byteCount
        return lease
    }

    // MARK: Sending

    func queue(_ lease: consuming PooledBuffer) {
        let byteCount = lease.count
        guard byteCount > 0 else { return }
        // Dropped, which the peer must learn.
        guard !isFailed else { return losesBytes = true }
        output.queuedCount += 1
        output.unsentByteCount &+= byteCount
        // Nothing else is queued: it need not be either.
        guard output.isSending || !outbox.isEmpty else { return send(lease) }
        var queue = outbox
        reactor.queues.value.push(lease, to: &queue)
        outbox = queue
    }

    private func startSending() {
        var queue = outbox
        guard let lease = reactor.queues.value.pop(from: &queue) else {
            preconditionFailure("a connection with queued leases has one to send")
        }
        outbox = queue
        send(lease)
    }

    private func send(_ lease: consuming PooledBuffer) {
        output.isSending = true
        output.sendingByteCount = UInt32(lease.count) - output.sentByteCount
        reactor.ring.send(
            lease, from: Int(output.sentByteCount), to: number, mayZeroCopy: output.mayZeroCopy)
    }

    func shutDownWriting() {
        output.isShutDown = true
        output.isHalfClosing = true
        reactor.ring.shutdownWrite(number)
    }
}
