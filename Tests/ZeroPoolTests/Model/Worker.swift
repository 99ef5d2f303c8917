import TestSupport
import Glibc

/// A thread that does what it is told, one thing at a time, while the one who tells it waits.
///
/// So threads take part in a run, come and go, and the run is one sequence all the same: what a seed says.
final class Worker: @unchecked Sendable {
    /// Its number in the run: those that come later have others.
    let number: Int
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    // Guarded by `mutex`.
    private var task: (() -> Void)?
    private var isEnding = false
    private var thread: Thread<Void, Never>?

    init(number: Int) {
        self.number = number
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(changed, nil)
        thread = Thread { [unowned self] in work() }
    }

    deinit {
        precondition(thread == nil, "a worker is ended")
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Has the worker run `body`, and waits until it has.
    func run<Result>(_ body: () -> Result) -> Result {
        var result: Result?
        withoutActuallyEscaping({ result = body() }) { body in
            pthread_mutex_lock(mutex)
            task = body
            pthread_cond_signal(changed)
            while task != nil { pthread_cond_wait(changed, mutex) }
            pthread_mutex_unlock(mutex)
        }
        return result!
    }

    /// Lets the thread end, and waits until it has.
    func end() {
        pthread_mutex_lock(mutex)
        isEnding = true
        pthread_cond_signal(changed)
        pthread_mutex_unlock(mutex)
        thread?.join()
        thread = nil
    }

    private func work() {
        pthread_mutex_lock(mutex)
        while true {
            while task == nil, !isEnding { pthread_cond_wait(changed, mutex) }
            guard let task else { break }
            task()
            self.task = nil
            pthread_cond_signal(changed)
        }
        pthread_mutex_unlock(mutex)
    }
}
