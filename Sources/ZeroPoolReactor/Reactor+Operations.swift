internal import Glibc
internal import ZeroPool
internal import ZeroPoolURing

/// Operations that are not those of accepted connections, and how a task waits for one.
extension Reactor {
    /// Starts an operation and waits for its end. `deadline` and a cancellation ask the kernel to end it early.
    ///
    /// Most end soon by themselves, and go without a cancellation handler: `isLong` says which don't.
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
        // The kernel still has the operands: the end that was asked for has to come.
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

    /// Waits until the operation has completed, or its wait was ended before its time.
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

    /// Throws what ended a wait before its time.
    func requireCompleted(_ end: Waiter.Outcome, _ name: IOError.Operation) throws(IOError) {
        if let reason = end.reason { throw IOError(name, reason) }
    }

    func completed(_ token: OperationToken, _ outcome: consuming OperationOutcome) {
        operations.value.complete(token, outcome)
    }

    func expireOperations() {
        if operations.value.count > 0 { operations.value.expire(at: tick) }
    }

    /// The ring is dead: nothing will complete.
    func abandonOperations() { operations.value.failAll(errno: EIO) }

    // MARK: Time

    /// Waits. By a timer of the ring, so exact to the kernel's own grain. Its thread only.
    ///
    /// Throws when the task is cancelled, and when the reactor cuts what is left.
    public nonisolated(nonsending) func sleep(for duration: Duration) async throws(IOError) {
        let outcome = try await perform(.sleep(duration), .sleep, isLong: true)
        // A timer ends with ETIME.
        guard outcome.result == -ETIME || outcome.result == 0 else { throw IOError(.sleep, errno: -outcome.result) }
    }
}
