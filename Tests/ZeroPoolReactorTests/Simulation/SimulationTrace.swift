import TestSupport

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

extension SimulationTrace: CrashTrace {
    func writeCrashReport() {
        CrashReport.write("\nThe reactor trapped in the simulation with seed ")
        CrashReport.write(seed)
        CrashReport.write(". Its last steps:\n")
        for index in max(0, count - 80)..<count {
            let entry = entries[index % SimulationTrace.capacity]
            CrashReport.write(entry.now)
            CrashReport.write(" µs: ")
            CrashReport.write(entry.text)
            if entry.connection != SimulationTrace.none {
                CrashReport.write(", connection ")
                CrashReport.write(entry.connection)
            }
            if entry.value != SimulationTrace.none {
                CrashReport.write(" (")
                CrashReport.write(entry.value)
                CrashReport.write(")")
            }
            CrashReport.write("\n")
        }
        CrashReport.write("Replay it with ZEROPOOL_SIMULATION_SEED=")
        CrashReport.write(seed)
        CrashReport.write(" swift test --disable-xctest --filter SimulationTests\n")
    }
}
