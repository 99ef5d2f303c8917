import Glibc

/// A POSIX thread that is joined for its result. It inherits the processors of the thread that starts it, which threads of
/// Dispatch do not.
package final class SystemThread<Result: Sendable>: @unchecked Sendable {
    // SAFETY: `result` is written by the thread and read after `join`; `isJoined` by the one caller of `join` and in `deinit`.
    private final class Outcome: @unchecked Sendable {
        var result: Result?
    }

    private let outcome = Outcome()
    private let thread: pthread_t
    private var isJoined = false

    /// Starts the thread. Throws when the system has none left.
    package init(_ body: @escaping @Sendable () -> Result) throws(SystemError) {
        let outcome = outcome
        let start = unsafe Unmanaged.passRetained(ThreadBody { outcome.result = body() })
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { argument in
                unsafe Unmanaged<ThreadBody>.fromOpaque(argument!).takeRetainedValue().run()
                return nil
            }, start.toOpaque())
        guard code == 0 else {
            unsafe start.release()
            throw SystemError("pthread_create", errno: code)
        }
        self.thread = thread
    }

    /// A thread that nobody joins frees itself at its end.
    deinit { if !isJoined { pthread_detach(thread) } }

    /// Waits for the thread's end. Call it once, on another thread.
    package func join() -> Result {
        precondition(!isJoined, "a thread is joined once")
        isJoined = true
        let code = pthread_join(thread, nil)
        precondition(code == 0, "a thread is joined by another")
        return outcome.result!
    }
}

private final class ThreadBody {
    let run: () -> Void

    init(_ run: @escaping () -> Void) { self.run = run }
}

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

/// A value at one address for its whole life.
///
/// All access borrows the box, as to a class's property, without exclusivity checks: they would be a sixth of a reactor's
/// instructions. So what changes the value must not use it again until the change is done.
@safe
package struct Box<Value: ~Copyable>: ~Copyable {
    @usableFromInline package let address: UnsafeMutablePointer<Value>

    @inlinable
    package init(_ value: consuming Value) {
        unsafe address = .allocate(capacity: 1)
        unsafe address.initialize(to: value)
    }

    @inlinable
    deinit {
        unsafe address.deinitialize(count: 1)
        unsafe address.deallocate()
    }

    @inlinable
    package var value: Value {
        @inline(__always)
        unsafeAddress { unsafe UnsafePointer(address) }
        @inline(__always)
        nonmutating unsafeMutableAddress { unsafe address }
    }
}
