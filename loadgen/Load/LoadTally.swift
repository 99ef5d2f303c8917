import Histogram
import SystemSupport

/// What one thread of load has counted, or several together.
struct LoadTally: Sendable {
    /// Messages that were completed within the measured window, in nanoseconds each.
    var latencies = Histogram<UInt64>(highestTrackableValue: 60_000_000_000, numberOfSignificantValueDigits: .three)
    /// Messages and bytes that came back within the window.
    var requestCount = 0
    var byteCount = 0
    var windowNanoseconds: UInt64 = 0
    /// Messages and bytes that came back, and were verified, from first to last: warm-up and drain included.
    var totalRequestCount = 0
    var totalByteCount = 0
    /// CPU time within the window: of this process, and of the observed one.
    var ownProcessorNanoseconds: UInt64 = 0
    var observedProcessorNanoseconds: UInt64?
    /// Connections that could not be made, by errno.
    var connectErrors: [Int32: Int] = [:]
    /// Connections that the server or the network ended, by reason.
    var losses: [String: Int] = [:]
    /// Connections on which answers were still owed when the drain time ended.
    var unansweredConnectionCount = 0
    var mismatch: Mismatch?
    /// Answers by their status, where answers have one, from first to last.
    var statuses = StatusCounts()
    /// Connections that the server closed as it had said, and that were made again.
    var reconnectCount = 0
    /// What this process asked of its rings, by opcode.
    var operations: [String: Int] = [:]
    /// What kept a thread from running at all.
    var failures: [String] = []

    init() {
        latencies.autoResize = true
    }

    var connectErrorCount: Int { connectErrors.values.reduce(0, +) }
    var lostConnectionCount: Int { losses.values.reduce(0, +) }

    mutating func merge(_ other: LoadTally) {
        latencies.add(other.latencies)
        requestCount += other.requestCount
        byteCount += other.byteCount
        windowNanoseconds = max(windowNanoseconds, other.windowNanoseconds)
        totalRequestCount += other.totalRequestCount
        totalByteCount += other.totalByteCount
        // Only one thread reads the CPU clocks.
        ownProcessorNanoseconds += other.ownProcessorNanoseconds
        observedProcessorNanoseconds = observedProcessorNanoseconds ?? other.observedProcessorNanoseconds
        connectErrors.merge(other.connectErrors, uniquingKeysWith: +)
        losses.merge(other.losses, uniquingKeysWith: +)
        unansweredConnectionCount += other.unansweredConnectionCount
        mismatch = mismatch ?? other.mismatch
        statuses.merge(other.statuses)
        reconnectCount += other.reconnectCount
        operations.merge(other.operations, uniquingKeysWith: +)
        failures += other.failures
    }

    /// Adds what came of a later run: their windows stand one after the other.
    mutating func append(_ later: LoadTally) {
        let earlier = (window: windowNanoseconds, observed: observedProcessorNanoseconds)
        merge(later)
        windowNanoseconds = earlier.window + later.windowNanoseconds
        if let before = earlier.observed, let then = later.observedProcessorNanoseconds {
            observedProcessorNanoseconds = before + then
        }
    }

    /// Everything that went wrong, a sentence each. Empty means that something was measured and every byte of it
    /// came back as it was sent.
    var problems: [String] {
        var problems = failures
        if let mismatch {
            problems.append("wrong bytes: \(mismatch)")
        }
        for (errno, count) in connectErrors.sorted(by: { $0.key < $1.key }) {
            problems.append("\(Format.count(count, "connection")) could not be made: \(SystemError.text(errno))")
        }
        for (reason, count) in losses.sorted(by: { $0.key < $1.key }) {
            problems.append("\(Format.count(count, "connection")) lost: \(reason)")
        }
        for (status, count) in statuses.counts.sorted(by: { $0.status < $1.status }) where status != 200 {
            problems.append("\(Format.count(count, "answer")) with status \(status), not 200")
        }
        if unansweredConnectionCount > 0 {
            problems.append(
                "\(Format.count(unansweredConnectionCount, "connection")) still waiting for answers when the time was up"
            )
        }
        if requestCount == 0 {
            problems.append("nothing was measured: no message came back within the window")
        }
        return problems
    }
}
