import Glibc

/// Says which seed was running when the process traps: a test can't tell any more then.
///
/// The handlers use what a signal handler may: memory that is there, and `write`.
enum CrashReport {
    private static let signals = [SIGTRAP, SIGILL, SIGABRT, SIGSEGV, SIGBUS]

    // SAFETY: written before and after a run, of which there is one at a time.
    private nonisolated(unsafe) static var trace: UnsafeMutableRawPointer?
    private nonisolated(unsafe) static var previousHandlers: [sighandler_t?] = []

    /// Runs `body`; a trap meanwhile is one of the run that `trace` follows.
    static func during<Result>(_ trace: ModelTrace, _ body: () -> Result) -> Result {
        self.trace = Unmanaged.passUnretained(trace).toOpaque()
        previousHandlers = signals.map { signal($0, handler) }
        defer {
            for (number, previous) in zip(signals, previousHandlers) { signal(number, previous) }
            self.trace = nil
        }
        return withExtendedLifetime(trace) { body() }
    }

    private static let handler: @convention(c) (Int32) -> Void = { number in
        if let trace = CrashReport.trace {
            CrashReport.report(Unmanaged<ModelTrace>.fromOpaque(trace).takeUnretainedValue())
        }
        // A sanitizer's handler, or the default: it comes when this one returns.
        signal(number, CrashReport.signals.firstIndex(of: number).flatMap { CrashReport.previousHandlers[$0] })
        raise(number)
    }

    private static func report(_ trace: ModelTrace) {
        write("\nThe process trapped in the run with seed ")
        write(trace.seed)
        write(". Its last steps:\n")
        for index in max(0, trace.count - 80)..<trace.count {
            let entry = trace.entries[index % ModelTrace.capacity]
            write(UInt64(entry.step))
            write(": ")
            write(entry.text)
            write(", pool ", entry.pool)
            write(", thread ", entry.thread)
            write(", value ", entry.value)
            write("\n")
        }
        write("Replay it with ZEROPOOL_MODEL_SEED=")
        write(trace.seed)
        write(" swift test --disable-xctest --filter ZeroPoolTests.ModelTests\n")
    }

    private static func write(_ name: StaticString, _ value: Int) {
        guard value != ModelTrace.none else { return }
        write(name)
        if value < 0 { write("-") }
        write(UInt64(value.magnitude))
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
