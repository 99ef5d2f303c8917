import Glibc

/// Says which seed was running when a reactor traps: a precondition ends the process before a test can tell.
///
/// The handlers use what a signal handler may: memory that is there, and `write`.
enum CrashReport {
    private static let signals = [SIGTRAP, SIGILL, SIGABRT]

    /// Held from `begin` to `end`: signals are the process's, and suites run side by side. (Not `Mutex`, whose futex calls the
    /// thread sanitizer does not see.)
    private nonisolated(unsafe) static let turn = {
        let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        return mutex
    }()

    // SAFETY: written by the thread that has its turn, before and after the run; read by the handler on the same thread.
    private nonisolated(unsafe) static var trace: UnsafeMutableRawPointer?
    private nonisolated(unsafe) static var thread: pthread_t = pthread_self()
    private nonisolated(unsafe) static var previousHandlers: [sighandler_t?] = []

    /// From now on, until `end` on the same thread, a trap of this thread is one of the run that `trace` follows. Other
    /// threads' runs wait for that.
    static func begin(_ trace: SimulationTrace) {
        pthread_mutex_lock(turn)
        thread = pthread_self()
        self.trace = Unmanaged.passUnretained(trace).toOpaque()
        previousHandlers = signals.map { signal($0, handler) }
    }

    static func end() {
        for (number, previous) in zip(signals, previousHandlers) { signal(number, previous) }
        trace = nil
        pthread_mutex_unlock(turn)
    }

    private static let handler: @convention(c) (Int32) -> Void = { number in
        signal(number, SIG_DFL)
        if let trace = CrashReport.trace, pthread_equal(CrashReport.thread, pthread_self()) != 0 {
            CrashReport.report(Unmanaged<SimulationTrace>.fromOpaque(trace).takeUnretainedValue())
        }
        raise(number)
    }

    private static func report(_ trace: SimulationTrace) {
        write("\nThe reactor trapped in the simulation with seed ")
        write(trace.seed)
        write(". Its last steps:\n")
        for index in max(0, trace.count - 80)..<trace.count {
            let entry = trace.entries[index % SimulationTrace.capacity]
            write(UInt64(entry.now))
            write(" µs: ")
            write(entry.text)
            if entry.connection != SimulationTrace.none {
                write(", connection ")
                write(UInt64(entry.connection))
            }
            if entry.value != SimulationTrace.none {
                write(entry.value < 0 ? " (-" : " (")
                write(UInt64(abs(entry.value)))
                write(")")
            }
            write("\n")
        }
        write("Replay it with ZEROPOOL_SIMULATION_SEED=")
        write(trace.seed)
        write(" swift test --disable-xctest --filter SimulationTests\n")
    }

    private static func write(_ text: StaticString) {
        _ = Glibc.write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }

    private static func write(_ number: UInt64) {
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
