import TestSupport

/// What happened last in a run, and the first rule that was broken.
///
/// Kept in a fixed memory that a signal handler can print, since a pool that traps takes the process with it.
final class ModelTrace: @unchecked Sendable {
    // SAFETY: Sendable, since a run's threads take turns.
    /// One line: trivial, so that printing it needs no memory.
    struct Entry {
        var step: Int
        var text: StaticString
        var pool: Int
        var thread: Int
        var value: Int
    }

    static let capacity = 256
    /// No pool, no thread, or no value.
    static let none = Int.min

    let seed: UInt64
    let isPrinted: Bool
    let entries: UnsafeMutablePointer<Entry>
    private(set) var count = 0
    var step = 0
    /// The first rule that was broken.
    private(set) var violation: String?

    init(seed: UInt64, isPrinted: Bool = false) {
        self.seed = seed
        self.isPrinted = isPrinted
        entries = .allocate(capacity: ModelTrace.capacity)
    }

    deinit { entries.deallocate() }

    func note(_ text: StaticString, pool: Int = none, thread: Int = none, _ value: Int = none) {
        let entry = Entry(step: step, text: text, pool: pool, thread: thread, value: value)
        (entries + count % ModelTrace.capacity).initialize(to: entry)
        count += 1
        if isPrinted { print(ModelTrace.line(entry)) }
    }

    /// A rule of a pool. The first one that is broken counts, since others follow from it.
    func require(_ holds: Bool, _ rule: StaticString, pool: Int = none, _ value: Int = none) {
        guard !holds, violation == nil else { return }
        note(rule, pool: pool, value)
        violation = ModelTrace.line(Entry(step: step, text: rule, pool: pool, thread: ModelTrace.none, value: value))
    }

    /// The last lines, the oldest first.
    func tail(_ length: Int = 80) -> String {
        (max(0, count - min(length, ModelTrace.capacity))..<count).map { index in
            ModelTrace.line(entries[index % ModelTrace.capacity])
        }.joined(separator: "\n")
    }

    private static func line(_ entry: Entry) -> String {
        var line = "\(entry.step): \(entry.text)"
        if entry.pool != none { line += ", pool \(entry.pool)" }
        if entry.thread != none { line += ", thread \(entry.thread)" }
        if entry.value != none { line += " (\(entry.value))" }
        return line
    }
}

extension ModelTrace: CrashTrace {
    func writeCrashReport() {
        CrashReport.write("\nThe process trapped in the run with seed ")
        CrashReport.write(seed)
        CrashReport.write(". Its last steps:\n")
        for index in max(0, count - 80)..<count {
            let entry = entries[index % ModelTrace.capacity]
            CrashReport.write(entry.step)
            CrashReport.write(": ")
            CrashReport.write(entry.text)
            write(", pool ", entry.pool)
            write(", thread ", entry.thread)
            write(", value ", entry.value)
            CrashReport.write("\n")
        }
        CrashReport.write("Replay it with ZEROPOOL_MODEL_SEED=")
        CrashReport.write(seed)
        CrashReport.write(" swift test --disable-xctest --filter ZeroPoolTests.ModelTests\n")
    }

    private func write(_ name: StaticString, _ value: Int) {
        guard value != ModelTrace.none else { return }
        CrashReport.write(name)
        CrashReport.write(value)
    }
}
