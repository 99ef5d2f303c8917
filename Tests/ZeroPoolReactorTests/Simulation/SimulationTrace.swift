import Glibc

/// What happened last in a simulation, and the first rule that was broken.
///
/// Kept in a fixed memory that a signal handler can print, since a reactor that traps takes the process with it.
final class SimulationTrace {
    /// One line: trivial, so that noting it costs little, and printing it needs no memory.
    struct Entry {
        var now: Int
        var text: StaticString
        var connection: Int
        var value: Int
    }

    static let capacity = 256
    /// No connection, or no value.
    static let none = Int.min

    let seed: UInt64
    private let isPrinted: Bool
    let entries: UnsafeMutablePointer<Entry>
    private(set) var count = 0
    var now = 0
    /// The first rule that was broken.
    private(set) var violation: String?

    init(seed: UInt64 = 0, isPrinted: Bool = false) {
        self.seed = seed
        self.isPrinted = isPrinted
        entries = .allocate(capacity: SimulationTrace.capacity)
    }

    deinit { entries.deallocate() }

    func note(_ text: StaticString, _ connection: Int = none, _ value: Int = none) {
        let entry = Entry(now: now, text: text, connection: connection, value: value)
        (entries + count % SimulationTrace.capacity).initialize(to: entry)
        count += 1
        if isPrinted { print(SimulationTrace.line(entry)) }
    }

    /// A rule is broken; the first one counts, since others follow from it.
    func violate(_ rule: StaticString, _ connection: Int = none, _ value: Int = none) {
        note(rule, connection, value)
        guard violation == nil else { return }
        violation = SimulationTrace.line(Entry(now: now, text: rule, connection: connection, value: value))
    }

    /// The last lines, the oldest first.
    func tail(_ length: Int = 80) -> String {
        (max(0, count - min(length, SimulationTrace.capacity))..<count).map { index in
            SimulationTrace.line(entries[index % SimulationTrace.capacity])
        }.joined(separator: "\n")
    }

    private static func line(_ entry: Entry) -> String {
        var line = "\(entry.now) µs: \(entry.text)"
        if entry.connection != none { line += ", connection \(entry.connection)" }
        if entry.value != none { line += " (\(entry.value))" }
        return line
    }
}

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
