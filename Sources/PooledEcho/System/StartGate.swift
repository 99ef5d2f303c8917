import Glibc
import Synchronization

/// Waits until every reactor serves, or one can't.
final class StartGate: Sendable {
    private struct State {
        var passedCount = 0
        var failure: ServerError?
    }

    private let state = Mutex(State())
    private let count: Int

    init(count: Int) { self.count = count }

    func pass() { state.withLock { $0.passedCount += 1 } }

    func fail(_ error: ServerError) {
        state.withLock { state in
            state.passedCount += 1
            state.failure = state.failure ?? error
        }
    }

    /// Returns when all have passed or failed; the first failure, if there is one. Looks every millisecond: a server
    /// starts once.
    func wait() -> ServerError? {
        while true {
            let (passedCount, failure) = state.withLock { ($0.passedCount, $0.failure) }
            if passedCount == count { return failure }
            usleep(1000)
        }
    }
}
