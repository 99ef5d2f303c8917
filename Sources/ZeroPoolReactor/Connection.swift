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
/// 1. Bytes are received before the handler asks for them, up to the limits on unread bytes. A handler that does not
///    receive thereby pauses its peer, which resumes at half the limit.
/// 2. Leases are sent one at a time, in order.
/// 3. When the handler returns, what it queued is sent. Then the write side is shut down and what still arrives is
///    discarded until the peer's end of stream: closing a socket with unread input would reset it and destroy what
///    was sent.
/// 4. A connection that fails ends its operations and drops its queues. Current and later awaits of its handler
///    throw, and its task is cancelled. If bytes are lost, it is closed by a reset, so that no end of stream hides
///    the loss.
/// 5. It is closed only when its handler has ended and no operation is in flight.
public final class Connection: @unchecked Sendable {
    enum Phase: UInt8 {
        /// The peer's address was asked for and is not known yet.
        case held
        /// The handler runs.
        case serving
        /// The handler has ended; what it queued is being sent.
        case finishing
        /// The write side is shut down; what still arrives is discarded.
        case discarding
        case closed
    }

    /// The receive in the kernel.
    enum Reception: UInt8 {
        case idle
        case armed
        /// Armed for one buffer; ends by itself with the first bytes.
        case armedForOne
        case cancelling
        /// In line for a buffer. The reactor arms it when its turn comes.
        case waiting
    }

    let number: ConnectionNumber
    /// Received leases that the handler has not taken.
    var inboxCount: UInt32 = 0
    /// The reactor that it belongs to.
    public let reactor: Reactor

    /// The handler's task, to tell it from child tasks, and to cancel it.
    var taskIdentity = TaskIdentity.none
    var task: Task<Void, Never>?
    /// The loop's turn in which bytes were last received or sent.
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
    /// Whether bytes were dropped that the peer sent or should receive.
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
        /// Whether the wait for output includes the memory of zero-copy sends.
        var awaitsRelease = false
        /// The wait for output ends at this many leases.
        var awaitedCount: UInt16 = 0
        /// Leases queued, the one in flight included.
        var queuedCount: UInt16 = 0
        /// Zero-copy sends whose memory the kernel still reads, since the peer has not acknowledged it.
        var unreleasedCount: UInt16 = 0
        /// Bytes of the lease in flight that were sent before, and bytes that are being sent.
        var sentByteCount: UInt32 = 0
        var sendingByteCount: UInt32 = 0
        /// Unsent bytes of all leases.
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

    /// Whether the server stops, so that no new work should begin. ``receive(deadline:)`` returns what was received,
    /// then nil.
    public var isDraining: Bool { isAccepted && reactor.isDraining }

    /// Whether a lease may be enqueued: the handler runs, the connection has not failed, and it was not half-closed.
    /// Work that was posted to the reactor should check it, because the handler may have ended meanwhile.
    public var canSend: Bool { phase == .serving && !isFailed && !output.isShutDown }

    /// Bytes received that the handler has not taken.
    public var unreadBytes: Int { unreadByteCount }

    /// Sent or enqueued leases that are still held by the queue or by the kernel. The kernel holds the lease of a
    /// zero-copy send until the peer has acknowledged it.
    public var pendingBufferCount: Int { Int(output.queuedCount) + Int(output.unreleasedCount) }

    /// Bytes of the send in flight; 0 when there is none.
    package var sendingByteCount: Int { output.isSending ? Int(output.sendingByteCount) : 0 }

    // MARK: State

    var isFailed: Bool { failure != nil }
    var leaseCount: Int { Int(inboxCount) + Int(output.queuedCount) + Int(output.unreleasedCount) }
    var owedByteCount: Int { unreadByteCount + output.unsentByteCount }
    /// Whether it waits for its peer to read.
    var isDebtor: Bool { !isFailed && phase != .closed && (output.isSending || output.unreleasedCount > 0) }
    /// Whether receiving is paused because too much is unread.
    var isPaused: Bool { phase == .serving && reception == .idle && !isInputEnded && !isDraining && !isFailed }
    /// Whether it holds more than the latest lease. A multishot receive on such a connection would bring everything
    /// at once that its peer has sent meanwhile, perhaps many times the limit.
    var isLagging: Bool { Int(inboxCount) + Int(output.queuedCount) > 1 }
    /// Whether nothing more will be received for the handler.
    var isInputOver: Bool { isInputEnded || isDraining && reception == .idle }

    // MARK: Events of the kernel

    func received(_ lease: consuming PooledBuffer) {
        lastTurn = reactor.turn
        let byteCount = lease.count
        guard phase == .serving, !isFailed else {
            // The bytes are lost. The peer must learn this, unless it was told before that nothing more is read.
            if isFailed, !output.isShutDown { losesBytes = true }
            reactor.counts.value.bytes.discarded += byteCount
            return
        }
        reactor.counts.value.bytes.received += byteCount
        // The queue is copied, here and below: calling a method that changes a class's property in place costs an
        // exclusivity check.
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
        // While buffers are scarce, each receive ends like this.
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
            // The remaining bytes go first.
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
            // After a short send the kernel still holds the lease, so the remaining bytes can't be sent next.
            if !isWhole {
                losesBytes = true
                fail(IOError(.send, errno: EIO))
            }
        }
        outputAdvanced()
    }

    func sendFailed(_ lease: consuming PooledBuffer?, errno: Int32) {
        // The kernel may hold the memory even after a failed zero-copy send.
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

    /// Whether the handler waits for bytes and should get some even beyond the limits. It should not if its peer
    /// acknowledges nothing, or if buffers are scarce and the connection already holds one.
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

    /// Arms or ends the receive, according to the limits.
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

    /// Takes the oldest received lease.
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
        // The lease is dropped, and the peer must learn this.
        guard !isFailed else { return losesBytes = true }
        output.queuedCount += 1
        output.unsentByteCount &+= byteCount
        // If nothing else is queued, the lease is sent without being queued.
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
