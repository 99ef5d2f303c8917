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
