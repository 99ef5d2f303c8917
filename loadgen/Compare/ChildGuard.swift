import Glibc
import Synchronization

/// Ends the server under test when loadgen itself is told to end: no server outlives its measurement.
enum ChildGuard {
    /// The child's id; 0 without one, -1 while one is being made.
    private static let child = Atomic<pid_t>(0)
    /// The signal that told us to end, or 0.
    private static let signalNumber = Atomic<Int32>(0)

    /// A child is about to be made: a signal that comes before `watch` waits for its id.
    static func expectChild() {
        child.store(-1, ordering: .sequentiallyConsistent)
    }

    /// From now on, SIGINT and SIGTERM reach this child too, before they end this process. 0 when none was made.
    static func watch(_ id: pid_t) {
        child.store(id, ordering: .sequentiallyConsistent)
        let number = signalNumber.load(ordering: .sequentiallyConsistent)
        if number != 0 { endBoth(number) }
    }

    static func forget(_ id: pid_t) {
        _ = child.compareExchange(expected: id, desired: 0, ordering: .sequentiallyConsistent)
    }

    /// For the program, not for tests: takes over the two signals, blocked by who started us or not.
    static func install() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            unsafe sigaddset(&signals, number)
            signal(number) { number in
                ChildGuard.signalNumber.store(number, ordering: .sequentiallyConsistent)
                ChildGuard.endBoth(number)
            }
        }
        unsafe sigprocmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Also runs in a signal handler: an atomic read and two system calls are safe there.
    private static func endBoth(_ number: Int32) {
        let id = child.load(ordering: .sequentiallyConsistent)
        guard id >= 0 else { return }
        if id > 0 { kill(id, SIGTERM) }
        _exit(128 + number)
    }
}
