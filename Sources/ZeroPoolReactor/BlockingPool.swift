internal import Glibc
internal import SystemSupport

/// A few threads for calls that block, such as listing a directory.
///
/// The threads start with the first work and end with ``close()``. Each waiting task has at most one call in the
/// queue.
public final class BlockingPool: Sendable {
    private struct State {
        var work: [@Sendable () -> Void] = []
        var idleCount = 0
        var threadCount = 0
        var isClosed = false
    }

    private let state = Monitor(State())
    private let threadLimit: Int

    /// A pool of at most this many threads.
    public init(threadLimit: Int = 2) {
        precondition(threadLimit > 0, "a pool has a thread")
        self.threadLimit = threadLimit
    }

    /// Ends the threads after the work that has begun or is queued. Any thread.
    public func close() { state.withLock { $0.isClosed = true } }

    /// Runs `work` on a thread of the pool and returns its result.
    ///
    /// Throws `EAGAIN` when the system has no thread left, and `ECANCELED` when the pool is closed. Cancelling the task
    /// does not stop work that has begun.
    public nonisolated(nonsending) func run<Value: Sendable>(
        _ work: @escaping @Sendable () -> Value
    ) async throws(IOError) -> Value {
        let result: Result<Value, IOError> = await withCheckedContinuation { continuation in
            let errno = submit { continuation.resume(returning: .success(work())) }
            if errno != 0 { continuation.resume(returning: .failure(IOError(.block, errno: errno))) }
        }
        return try result.get()
    }

    /// - Returns: 0, or the `errno` that says why the work won't run.
    private func submit(_ work: @escaping @Sendable () -> Void) -> Int32 {
        let needsThread: Bool? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.work.append(work)
            guard state.idleCount < state.work.count, state.threadCount < threadLimit else { return false }
            state.threadCount += 1
            return true
        }
        guard let needsThread else { return ECANCELED }
        guard needsThread else { return 0 }
        do {
            _ = try SystemThread<Void> { [self] in serve() }
            return 0
        } catch {
            return state.withLock { state in
                state.threadCount -= 1
                // Another thread will do it.
                if state.threadCount > 0 { return 0 }
                state.work.removeLast()
                return EAGAIN
            }
        }
    }

    private func serve() {
        while let work = next() { work() }
    }

    /// Nil when the pool is closed and nothing is left.
    private func next() -> (@Sendable () -> Void)? {
        state.withLock { $0.idleCount += 1 }
        return state.wait { state in
            guard state.work.isEmpty else {
                state.idleCount -= 1
                return .some(state.work.removeFirst())
            }
            return state.isClosed ? .some(nil) : nil
        }
    }
}
