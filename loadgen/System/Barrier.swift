import Glibc

/// Lets a number of threads go on together.
@safe final class Barrier: @unchecked Sendable {
    // SAFETY: a pthread barrier is made to be waited on by many threads; its memory stays in place until `deinit`.
    private let barrier = UnsafeMutablePointer<pthread_barrier_t>.allocate(capacity: 1)

    init(threadCount: Int) {
        unsafe pthread_barrier_init(barrier, nil, UInt32(threadCount))
    }

    deinit {
        unsafe pthread_barrier_destroy(barrier)
        unsafe barrier.deallocate()
    }

    /// Blocks until all of them have arrived.
    func wait() {
        unsafe pthread_barrier_wait(barrier)
    }
}
