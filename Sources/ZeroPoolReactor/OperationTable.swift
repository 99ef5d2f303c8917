internal import Glibc
import ZeroPool
internal import ZeroPoolURing

/// The operations in flight, and the tasks that wait for them. Cost: constant; it grows by doubling.
///
/// - A token names a slot and its generation: it is valid from `begin` to `takeOutcome`.
/// - The outcome stays in its slot until the task that waits takes it.
@safe
struct OperationTable: ~Copyable {
    private struct Slot: ~Copyable {
        var waiter = Waiter()
        var outcome: OperationOutcome?
        var generation: UInt32 = 0
        var nextFree: UInt32
        var isOpen = false
        /// Whether it may never end by itself. The reactor then ends it when it stops.
        var isLong = false
        /// How its wait was ended early; `ready` if it was not.
        var end = Waiter.Outcome.ready

        init(nextFree: UInt32) {
            self.nextFree = nextFree
            outcome = nil
        }

        var isCompleted: Bool {
            switch outcome {
            case .none: false
            case .some: true
            }
        }
    }

    private static let none = UInt32.max

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity = 0
    private var firstFree = OperationTable.none
    /// Operations that have begun and whose outcome was not taken.
    private(set) var count = 0

    init() { unsafe slots = .allocate(capacity: 0) }

    deinit {
        unsafe slots.deinitialize(count: capacity)
        unsafe slots.deallocate()
    }

    mutating func begin(isLong: Bool = false) -> OperationToken {
        if firstFree == Self.none { grow() }
        let index = firstFree
        firstFree = unsafe slots[Int(index)].nextFree
        unsafe slots[Int(index)].isOpen = true
        unsafe slots[Int(index)].isLong = isLong
        unsafe slots[Int(index)].end = .ready
        count += 1
        return unsafe OperationToken(index: index, generation: slots[Int(index)].generation)
    }

    /// Whether the token's operation has begun and not ended. A late answer finds another generation.
    private func isOpen(_ token: OperationToken) -> Bool {
        unsafe Int(token.index) < capacity && slots[Int(token.index)].isOpen
            && slots[Int(token.index)].generation == token.generation
    }

    mutating func wait(
        _ token: OperationToken, _ continuation: UnsafeContinuation<Void, Never>, _ deadline: Deadline?
    ) {
        unsafe slots[Int(token.index)].waiter.begin(continuation, deadline)
    }

    /// Stores the outcome and resumes the task.
    mutating func complete(_ token: OperationToken, _ outcome: consuming OperationOutcome) {
        precondition(isOpen(token), "an operation completes once")
        unsafe slots[Int(token.index)].outcome = consume outcome
        unsafe slots[Int(token.index)].waiter.take(.ready)?.resume()
    }

    func isCompleted(_ token: OperationToken) -> Bool { unsafe slots[Int(token.index)].isCompleted }

    /// Whether the wait was ended early, perhaps before it began.
    func isWaitOver(_ token: OperationToken) -> Bool { unsafe slots[Int(token.index)].end != .ready }

    /// How the wait ended.
    func end(_ token: OperationToken) -> Waiter.Outcome {
        let end = unsafe slots[Int(token.index)].end
        return unsafe end == .ready ? slots[Int(token.index)].waiter.outcome : end
    }

    /// Ends the wait of a cancelled task. No effect when the operation is over.
    mutating func cancelWait(_ token: OperationToken) {
        guard isOpen(token), !isCompleted(token) else { return }
        unsafe slots[Int(token.index)].end = .cancelled
        unsafe slots[Int(token.index)].waiter.take(.cancelled)?.resume()
    }

    /// Ends the waits that may never end by themselves, because the reactor stops.
    mutating func cutLongWaits() {
        for index in 0..<capacity where unsafe slots[index].isOpen && slots[index].isLong && !slots[index].isCompleted {
            unsafe slots[index].end = .cut
            unsafe slots[index].waiter.take(.cut)?.resume()
        }
    }

    /// Ends the waits whose deadline has passed.
    mutating func expire(at tick: UInt32) {
        for index in 0..<capacity where unsafe slots[index].waiter.isExpired(at: tick) {
            unsafe slots[index].end = .expired
            unsafe slots[index].waiter.take(.expired)?.resume()
        }
    }

    /// Ends the operation and frees its slot. An operation without an outcome counts as cancelled.
    mutating func takeOutcome(_ token: OperationToken) -> OperationOutcome {
        let outcome = unsafe slots[Int(token.index)].outcome.take() ?? OperationOutcome(result: 0)
        unsafe slots[Int(token.index)].isOpen = false
        unsafe slots[Int(token.index)].generation =
            (slots[Int(token.index)].generation &+ 1) & OperationToken.generationMask
        unsafe slots[Int(token.index)].nextFree = firstFree
        firstFree = token.index
        count -= 1
        return outcome
    }

    /// Completes every open operation with this error.
    mutating func failAll(errno: Int32) {
        for index in 0..<capacity where unsafe slots[index].isOpen && !slots[index].isCompleted {
            unsafe slots[index].outcome = OperationOutcome(result: -errno)
            unsafe slots[index].waiter.take(.ready)?.resume()
        }
    }

    @inline(never)
    private mutating func grow() {
        let larger = max(64, capacity * 2)
        let grown = UnsafeMutablePointer<Slot>.allocate(capacity: larger)
        unsafe grown.moveInitialize(from: slots, count: capacity)
        unsafe slots.deallocate()
        unsafe slots = grown
        for index in (capacity..<larger).reversed() {
            unsafe (slots + index).initialize(to: Slot(nextFree: firstFree))
            firstFree = UInt32(index)
        }
        capacity = larger
    }
}

/// Operations other than on accepted connections, and how a task waits for one.
extension Reactor {
    /// Starts an operation and waits for its end. `deadline` and a cancellation ask the kernel to end it early.
    ///
    /// Most operations soon end by themselves, and have no cancellation handler. `isLong` marks the others.
    nonisolated(nonsending) func perform(
        _ operation: consuming RingOperation, _ name: IOError.Operation, deadline: Deadline? = nil, isLong: Bool = false
    ) async throws(IOError) -> OperationOutcome {
        requireThread()
        guard canWork else { throw IOError(name, .ended) }
        if isLong, isCut { throw IOError(name, .cut) }
        if let deadline, isOver(deadline) { throw IOError(name, .deadline) }
        let token = begin(operation, isLong: isLong)
        if isLong {
            await waitCancellably(token, deadline)
        } else if !operations.value.isCompleted(token) {
            await unsafe withUnsafeContinuation { continuation in
                unsafe operations.value.wait(token, continuation, deadline)
            }
        }
        // The kernel still has the operands, so wait until the operation has ended.
        let end = operations.value.end(token)
        if !operations.value.isCompleted(token) {
            ring.cancel(token)
            while !operations.value.isCompleted(token) {
                await unsafe withUnsafeContinuation { continuation in
                    unsafe operations.value.wait(token, continuation, nil)
                }
            }
        }
        let outcome = operations.value.takeOutcome(token)
        if outcome.result == -ECANCELED || outcome.result == -EINTR { try requireCompleted(end, name) }
        return outcome
    }

    private func begin(_ operation: consuming RingOperation, isLong: Bool) -> OperationToken {
        let token = operations.value.begin(isLong: isLong)
        ring.perform(operation, token: token)
        return token
    }

    /// Waits until the operation has completed, or its wait was ended early.
    nonisolated(nonsending) func waitCancellably(_ token: OperationToken, _ deadline: Deadline?) async {
        await withTaskCancellationHandler {
            guard !operations.value.isCompleted(token), !operations.value.isWaitOver(token) else { return }
            await unsafe withUnsafeContinuation { continuation in
                unsafe operations.value.wait(token, continuation, deadline)
            }
        } onCancel: {
            post { $0.operations.value.cancelWait(token) }
        }
    }

    /// Throws the reason when a wait was ended early.
    func requireCompleted(_ end: Waiter.Outcome, _ name: IOError.Operation) throws(IOError) {
        if let reason = end.reason { throw IOError(name, reason) }
    }

    func completed(_ token: OperationToken, _ outcome: consuming OperationOutcome) {
        operations.value.complete(token, outcome)
    }

    func expireOperations() {
        if operations.value.count > 0 { operations.value.expire(at: tick) }
    }

    /// Fails every operation, because on a dead ring nothing completes.
    func abandonOperations() { operations.value.failAll(errno: EIO) }

    // MARK: Time

    /// Sleeps for `duration`, by a timer of the ring, with the precision of the kernel's timers. Its thread only.
    ///
    /// Throws when the task is cancelled, and when the reactor cuts what is left.
    public nonisolated(nonsending) func sleep(for duration: Duration) async throws(IOError) {
        let outcome = try await perform(.sleep(duration), .sleep, isLong: true)
        // A timer ends with ETIME.
        guard outcome.result == -ETIME || outcome.result == 0 else { throw IOError(.sleep, errno: -outcome.result) }
    }
}
