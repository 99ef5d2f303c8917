import Glibc
import Synchronization

/// Threads that start together, spread over the processors that the calling thread may run on.
struct PinnedThreads {
    let count: Int
    let processors = ProcessorSet.allowed

    /// Runs `body` on each thread, with its number; returns the nanoseconds from the first start to the last end of
    /// those that it returns.
    func run(_ body: @escaping @Sendable (_ index: Int) -> (start: Int, end: Int)) -> Int {
        let gate = StartGate(threadCount: count)
        let whole = Mutex((start: Int.max, end: Int.min))
        let threads = (0..<count).map { index in
            let processor = processors[index % processors.count]
            return JoinableThread {
                ProcessorSet.pinCurrentThread(to: processor)
                gate.wait()
                let own = body(index)
                whole.withLock { $0 = (min($0.start, own.start), max($0.end, own.end)) }
            }
        }
        for thread in threads { thread.join() }
        return whole.withLock { $0.end - $0.start }
    }
}

/// Lets threads go on when all have come.
private final class StartGate: Sendable {
    private let missingCount: Atomic<Int>

    init(threadCount: Int) { missingCount = Atomic(threadCount) }

    func wait() {
        missingCount.subtract(1, ordering: .acquiringAndReleasing)
        while missingCount.load(ordering: .acquiring) > 0 { sched_yield() }
    }
}
