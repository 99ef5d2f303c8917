import Glibc

/// What happened last in a seeded run, as a trap's report has it.
package protocol CrashTrace: AnyObject {
    /// Writes the report with `CrashReport.write`. A signal handler calls it, so it may use only memory that is there.
    func writeCrashReport()
}

/// Says which seed was running when the process traps: a precondition ends it before a test can tell.
package enum CrashReport {
    private static let signals = [SIGTRAP, SIGILL, SIGABRT, SIGSEGV, SIGBUS]

    /// Held from `begin` to `end`: signals are the process's, and suites run side by side. (Not `Mutex`, whose futex calls the
    /// thread sanitizer does not see.)
    private nonisolated(unsafe) static let turn = {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        return mutex
    }()

    // SAFETY: written by the thread that has its turn, before and after the run.
    private nonisolated(unsafe) static var trace: (any CrashTrace)?
    /// The thread whose traps are the run's; nil when the run has several.
    private nonisolated(unsafe) static var thread: pthread_t?
    private nonisolated(unsafe) static var previousHandlers: [sighandler_t?] = []

    /// From now on, until `end` on the same thread, a trap is one of the run that `trace` follows. Other threads' runs wait
    /// for that.
    /// - Parameter isThreaded: Whether the run has threads of its own; otherwise only this thread's traps are the run's.
    package static func begin(_ trace: any CrashTrace, isThreaded: Bool = false) {
        pthread_mutex_lock(turn)
        thread = isThreaded ? nil : pthread_self()
        self.trace = trace
        previousHandlers = signals.map { signal($0, handler) }
    }

    package static func end() {
        for (number, previous) in zip(signals, previousHandlers) { signal(number, previous) }
        trace = nil
        pthread_mutex_unlock(turn)
    }

    private static let handler: @convention(c) (Int32) -> Void = { number in
        // First, so that a report that traps ends. A sanitizer's handler, or the default: it comes when this one returns.
        signal(number, CrashReport.signals.firstIndex(of: number).flatMap { CrashReport.previousHandlers[$0] })
        if CrashReport.thread.map({ pthread_equal($0, pthread_self()) != 0 }) ?? true {
            CrashReport.trace?.writeCrashReport()
        }
        raise(number)
    }

    package static func write(_ text: StaticString) {
        _ = Glibc.write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }

    package static func write(_ number: Int) {
        if number < 0 { write("-") }
        write(UInt64(number.magnitude))
    }

    package static func write(_ number: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
            var rest = number
            var start = 20
            repeat {
                start -= 1
                digits[start] = UInt8(48 + rest % 10)
                rest /= 10
            } while rest > 0
            _ = Glibc.write(STDERR_FILENO, digits.baseAddress! + start, 20 - start)
        }
    }
}
