import Glibc

/// A value behind a lock, with a way to wait until it meets a condition.
@safe package final class Monitor<Value>: @unchecked Sendable {
    // SAFETY: the value is used under the lock only; lock and condition stay in place until `deinit`.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var value: Value

    package init(_ value: sending Value) {
        self.value = value
        unsafe pthread_mutex_init(lock, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(lock)
        unsafe changed.deallocate()
        unsafe lock.deallocate()
    }

    /// Changes the value, and wakes the threads that wait.
    package func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        unsafe pthread_mutex_lock(lock)
        defer {
            unsafe pthread_cond_broadcast(changed)
            unsafe pthread_mutex_unlock(lock)
        }
        return body(&value)
    }

    /// Blocks until `body` returns a result: it is called at once, and again after each change.
    package func wait<Result: Sendable>(for body: (inout Value) -> Result?) -> Result {
        unsafe pthread_mutex_lock(lock)
        defer { unsafe pthread_mutex_unlock(lock) }
        while true {
            if let result = body(&value) { return result }
            unsafe pthread_cond_wait(changed, lock)
        }
    }
}

/// Blocks threads until a number of arrivals, each a success or a failure.
package final class Latch<Failure: Error>: Sendable {
    private struct State {
        var missingCount: Int
        var failure: Failure?
    }

    private let state: Monitor<State>

    /// - Parameter count: The arrivals to wait for.
    package init(count: Int) {
        precondition(count >= 0, "a latch waits for 0 or more arrivals")
        state = Monitor(State(missingCount: count))
    }

    package func arrive() { arrive(failure: nil) }

    /// Arrives with a failure, which all that wait get.
    package func fail(_ failure: Failure) { arrive(failure: failure) }

    private func arrive(failure: Failure?) {
        state.withLock { state in
            precondition(state.missingCount > 0, "more arrivals than the latch waits for")
            state.missingCount -= 1
            state.failure = state.failure ?? failure
        }
    }

    /// Blocks until all have arrived. Throws the first failure, if there was one.
    package func wait() throws(Failure) {
        let failure = state.wait { state -> Failure?? in state.missingCount == 0 ? .some(state.failure) : nil }
        if let failure { throw failure }
    }

    /// Arrives, and blocks until all others have.
    package func arriveAndWait() throws(Failure) {
        arrive()
        try wait()
    }
}
