internal import CZeroPool
public import ZeroPool

/// What a handler awaits.
extension Connection {
    /// The next bytes, in a lease of up to the reactor's buffer size; nil at the end of the stream, and when the server
    /// drains and nothing is left.
    ///
    /// Throws when the connection has failed or was cut, when `deadline` passes, and when the calling task is
    /// cancelled. After a deadline or a cancellation the connection still works. Cost: no allocation; a suspension
    /// when nothing has arrived.
    public nonisolated(nonsending) func receive(deadline: Deadline? = nil) async throws(IOError) -> PooledBuffer? {
        try requireServing(.receive)
        // Now, and not when the last lease was taken: by now that lease counts as unsent, or has been returned.
        if reception == .idle { updateReceiving() }
        // Not in a function of its own: each function that awaits takes memory in the task of an idle connection.
        while inboxCount == 0, !isInputOver {
            if let deadline, reactor.isOver(deadline) {
                refuse(.input, .expired)
            } else if TaskIdentity.current == taskIdentity {
                // Only a cut cancels the handler's own task, and the cut also resumes the waiter.
                await unsafe withUnsafeContinuation { continuation in
                    unsafe suspend(on: .input, continuation, deadline)
                }
            } else {
                await waitCancellably(on: .input, deadline)
            }
            try requireServing(.receive)
            if let reason = receiveWaiter.outcome.reason { throw IOError(.receive, reason) }
        }
        return takeReceived()
    }

    /// Sends a lease's written bytes, and returns when the kernel has taken the bytes of every earlier lease.
    ///
    /// So a connection has at most one unsent lease when this returns, and the next await throws an error of this
    /// send. ``flush(to:deadline:)`` waits for this lease as well. The lease goes back to the pool when the kernel is
    /// done with it. Throws like ``receive(deadline:)``; after a deadline or a cancellation the lease is still being
    /// sent. Cost: no allocation; a suspension when an earlier lease is unsent.
    public nonisolated(nonsending) func send(
        _ lease: consuming PooledBuffer, deadline: Deadline? = nil
    ) async throws(IOError) {
        reactor.requireThread()
        precondition(isFailed || !output.isShutDown, "nothing is sent after the half-close")
        if isFailed || phase == .serving { queue(lease) }
        try requireServing(.send)
        guard output.queuedCount > 1 else { return }
        try await waitForOutput(1, awaitsRelease: false, deadline, .send)
    }

    /// Queues a lease to be sent behind the others, without waiting.
    ///
    /// To send several leases in order, enqueue them and then ``flush(to:deadline:)``. A failed connection drops them, and the
    /// next await throws.
    public func enqueue(_ lease: consuming PooledBuffer) {
        reactor.requireThread()
        precondition(
            isFailed || !output.isShutDown && phase == .serving,
            "nothing is sent after the half-close or the handler's end")
        queue(lease)
    }

    /// Waits until at most `bufferCount` sent or enqueued leases are still held by the queue or by the kernel. The
    /// kernel holds the lease of a zero-copy send until the peer has acknowledged it.
    public nonisolated(nonsending) func flush(
        to bufferCount: Int = 0, deadline: Deadline? = nil
    ) async throws(IOError) {
        try requireServing(.send)
        try await flush(to: bufferCount, deadline, .send)
    }

    private nonisolated(nonsending) func flush(
        to bufferCount: Int, _ deadline: Deadline?, _ operation: IOError.Operation
    ) async throws(IOError) {
        guard pendingBufferCount > bufferCount else { return }
        try await waitForOutput(UInt16(clamping: bufferCount), awaitsRelease: true, deadline, operation)
    }

    /// Tells the peer that no more bytes come, after what was enqueued. Receiving goes on.
    public nonisolated(nonsending) func halfClose(deadline: Deadline? = nil) async throws(IOError) {
        try requireServing(.halfClose)
        try await flush(to: 0, deadline, .halfClose)
        guard !output.isShutDown else { return }
        shutDownWriting()
        while output.isHalfClosing, !isFailed, phase == .serving { try await waitForOutput(.halfClose, deadline) }
        try requireServing(.halfClose)
    }

    /// Ends the connection so that the peer gets an error: queued and unread bytes are dropped. Awaits throw from now on.
    public func reset() {
        reactor.requireThread()
        losesBytes = true
        cut(.reset)
    }

    // MARK: Suspending

    private func requireServing(_ operation: IOError.Operation) throws(IOError) {
        reactor.requireThread()
        if let failure { throw failure }
        if phase != .serving { throw IOError(operation, .ended) }
    }

    private nonisolated(nonsending) func waitForOutput(
        _ count: UInt16, awaitsRelease: Bool, _ deadline: Deadline?, _ operation: IOError.Operation
    ) async throws(IOError) {
        output.awaitedCount = count
        output.awaitsRelease = awaitsRelease
        while !output.isAwaitedOver, !isFailed, phase == .serving {
            try await waitForOutput(operation, deadline)
        }
        try requireServing(operation)
    }

    @inline(__always)
    private nonisolated(nonsending) func waitForOutput(
        _ operation: IOError.Operation, _ deadline: Deadline?
    ) async throws(IOError) {
        if let deadline, reactor.isOver(deadline) {
            refuse(.output, .expired)
        } else if TaskIdentity.current == taskIdentity {
            await unsafe withUnsafeContinuation { continuation in
                unsafe suspend(on: .output, continuation, deadline)
            }
        } else {
            await waitCancellably(on: .output, deadline)
        }
        if let reason = sendWaiter.outcome.reason, !isFailed { throw IOError(operation, reason) }
    }

    /// What a task waits for.
    private enum Side {
        case input
        case output
    }

    private nonisolated(nonsending) func waitCancellably(on side: Side, _ deadline: Deadline?) async {
        let ticket = side == .input ? receiveWaiter.nextTicket : sendWaiter.nextTicket
        await withTaskCancellationHandler {
            // If the task was cancelled before, its cancellation handler has already run, without effect.
            guard !Task.isCancelled else { return refuse(side, .cancelled) }
            await unsafe withUnsafeContinuation { continuation in unsafe suspend(on: side, continuation, deadline) }
        } onCancel: {
            reactor.post { [self] _ in cancelWait(on: side, ticket: ticket) }
        }
    }

    private func suspend(on side: Side, _ continuation: UnsafeContinuation<Void, Never>, _ deadline: Deadline?) {
        switch side {
        case .input:
            unsafe receiveWaiter.begin(continuation, deadline)
            if reception == .idle { updateReceiving() }
        case .output: unsafe sendWaiter.begin(continuation, deadline)
        }
    }

    private func refuse(_ side: Side, _ outcome: Waiter.Outcome) {
        switch side {
        case .input: receiveWaiter.refuse(outcome)
        case .output: sendWaiter.refuse(outcome)
        }
    }

    private func cancelWait(on side: Side, ticket: UInt16) {
        switch side {
        case .input: if receiveWaiter.ticket == ticket { resumeReceiver(.cancelled) }
        case .output: if sendWaiter.ticket == ticket { resumeSender(.cancelled) }
        }
    }
}

/// A moment after which an await gives up, in ticks of its reactor's coarse clock.
///
/// A deadline is valid on the reactor that made it (``Reactor/deadline(after:)``), and for any number of awaits.
/// Cost: a few instructions, no system call.
public struct Deadline: Sendable {
    let tick: UInt32
}

/// The identity of a task, to tell a handler's own awaits from the awaits of its child tasks, which others may
/// cancel.
@safe
struct TaskIdentity: Equatable {
    private let task: UnsafeMutableRawPointer?

    /// Equal to no running task.
    static var none: TaskIdentity { unsafe TaskIdentity(task: nil) }

    /// The task that runs on the calling thread.
    @inline(__always)
    static var current: TaskIdentity { unsafe TaskIdentity(task: swift_task_getCurrent()) }

    @inline(__always)
    static func == (left: TaskIdentity, right: TaskIdentity) -> Bool { unsafe left.task == right.task }
}

/// One suspended await, and the deadline or cancellation that ends it early.
@safe
struct Waiter {
    enum Outcome: UInt8 {
        case ready
        case expired
        case cancelled
        /// The reactor stops.
        case cut

        /// Why it ended early.
        var reason: IOError.Reason? {
            switch self {
            case .ready: nil
            case .expired: .deadline
            case .cancelled: .cancelled
            case .cut: .cut
            }
        }
    }

    private var continuation: UnsafeContinuation<Void, Never>?
    /// The tick of its deadline; 0 for none.
    private(set) var deadlineTick: UInt32 = 0
    /// Tells a late cancellation from one that is meant for this wait.
    private(set) var ticket: UInt16 = 0
    private(set) var outcome = Outcome.ready

    var isWaiting: Bool { unsafe continuation != nil }

    /// The ticket that the next wait will have.
    var nextTicket: UInt16 { ticket &+ 1 }

    @inline(__always)
    mutating func begin(_ continuation: UnsafeContinuation<Void, Never>, _ deadline: Deadline?) {
        precondition(unsafe self.continuation == nil, "one task at a time may wait for this")
        unsafe self.continuation = continuation
        deadlineTick = deadline?.tick ?? 0
        ticket &+= 1
        outcome = .ready
    }

    /// Ends a wait before it begins, because its task is cancelled or its deadline has passed. It uses up its ticket.
    mutating func refuse(_ outcome: Outcome) {
        precondition(!isWaiting, "one task at a time may wait for this")
        ticket &+= 1
        self.outcome = outcome
    }

    /// Ends the wait; the caller resumes what waited. (Resuming here would cost an exclusivity check, because the
    /// caller is changing a class's property.) Nil when nothing is suspended.
    @inline(__always)
    mutating func take(_ outcome: Outcome) -> UnsafeContinuation<Void, Never>? {
        guard let continuation = unsafe continuation else { return nil }
        unsafe self.continuation = nil
        self.outcome = outcome
        return unsafe continuation
    }

    /// Keeps a deadline after the last wait, for lingering.
    mutating func setLinger(_ deadline: Deadline?) { deadlineTick = deadline?.tick ?? 0 }

    func isLingerOver(at tick: UInt32) -> Bool { !isWaiting && deadlineTick != 0 && deadlineTick <= tick }

    /// Whether a deadline of this wait has passed.
    func isExpired(at tick: UInt32) -> Bool { isWaiting && deadlineTick != 0 && deadlineTick <= tick }
}
