import Glibc
import Synchronization

/// Ends the server under test when loadgen itself is told to end: no server outlives its measurement.
enum ChildGuard {
    private static let child = Atomic<pid_t>(0)

    /// From now on, SIGINT and SIGTERM reach this child too, before they end this process.
    static func watch(_ id: pid_t) {
        child.store(id, ordering: .sequentiallyConsistent)
    }

    static func forget(_ id: pid_t) {
        _ = child.compareExchange(expected: id, desired: 0, ordering: .sequentiallyConsistent)
    }

    /// For the program, not for tests: takes over the two signals, blocked by who started us or not.
    static func install() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        unsafe sigaddset(&signals, SIGINT)
        unsafe sigaddset(&signals, SIGTERM)
        unsafe sigprocmask(SIG_UNBLOCK, &signals, nil)
        for number in [SIGINT, SIGTERM] {
            signal(number) { number in
                // Only what is safe in a signal handler: an atomic read and two system calls.
                let id = ChildGuard.child.load(ordering: .sequentiallyConsistent)
                if id > 0 { kill(id, SIGTERM) }
                _exit(128 + number)
            }
        }
    }
}
