import Glibc
import Synchronization

/// What happens when loadgen itself is told to end: neither the server under test nor the files that it serves outlive it.
enum Interruption {
    /// The child's id; 0 without one, -1 while one is being made.
    private static let child = Atomic<pid_t>(0)
    /// The signal that told us to end, or 0.
    private static let signalNumber = Atomic<Int32>(0)
    /// The address of what is removed then, or 0: C strings, nil after the last. Never freed, since a handler may be reading it.
    private static let leftovers = Atomic<UInt>(0)
    private typealias Leftovers = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

    /// A child is about to be made: a signal that comes before `watch` waits for its id.
    static func expectChild() {
        child.store(-1, ordering: .sequentiallyConsistent)
    }

    /// From now on, SIGINT and SIGTERM reach this child too, before they end this process. 0 when none was made.
    static func watch(_ id: pid_t) {
        child.store(id, ordering: .sequentiallyConsistent)
        let number = signalNumber.load(ordering: .sequentiallyConsistent)
        if number != 0 { endAll(number) }
    }

    static func forget(_ id: pid_t) {
        _ = child.compareExchange(expected: id, desired: 0, ordering: .sequentiallyConsistent)
    }

    /// From now on, SIGINT and SIGTERM remove these too: files, and folders after what is in them. They may be there or not.
    static func willRemove(_ paths: [String]) {
        let list = Leftovers.allocate(capacity: paths.count + 1)
        for (index, path) in paths.enumerated() { unsafe (list + index).initialize(to: strdup(path)) }
        unsafe (list + paths.count).initialize(to: nil)
        leftovers.store(UInt(bitPattern: list), ordering: .sequentiallyConsistent)
    }

    /// For the program, not for tests: takes over the two signals, blocked by who started us or not.
    static func install() {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM] {
            unsafe sigaddset(&signals, number)
            signal(number) { number in
                Interruption.signalNumber.store(number, ordering: .sequentiallyConsistent)
                Interruption.endAll(number)
            }
        }
        unsafe sigprocmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Also runs in a signal handler: atomic reads and these system calls are safe there.
    private static func endAll(_ number: Int32) {
        let id = child.load(ordering: .sequentiallyConsistent)
        guard id >= 0 else { return }
        if id > 0 { kill(id, SIGTERM) }
        if var next = unsafe Leftovers(bitPattern: leftovers.load(ordering: .sequentiallyConsistent)) {
            while let path = unsafe next.pointee {
                if unsafe unlink(path) != 0 { unsafe rmdir(path) }
                unsafe next += 1
            }
        }
        _exit(128 + number)
    }
}
