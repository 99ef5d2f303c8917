import Synchronization
import SystemSupport

/// What the threads of one run share.
final class LoadControl: Sendable {
    /// Passed when every thread has made its connections.
    let start: Latch<Never>
    private let aborted = Atomic(false)
    private let requests = Atomic(0)

    init(threadCount: Int) {
        start = Latch(count: threadCount)
    }

    /// One thread has seen wrong bytes: there is nothing left to measure.
    var isAborted: Bool { aborted.load(ordering: .relaxed) }

    func abort() {
        aborted.store(true, ordering: .relaxed)
    }

    /// Messages completed so far, as of each thread's last tick.
    var requestCount: Int { requests.load(ordering: .relaxed) }

    func addRequests(_ count: Int) {
        requests.add(count, ordering: .relaxed)
    }
}
