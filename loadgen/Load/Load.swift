import Glibc
import Synchronization
import SystemSupport

/// One run of load: all its threads, from the first connection to the last answer.
enum Load {
    /// Blocks until the run is over; the calling thread does nothing meanwhile. Its threads run on the processors of the
    /// calling thread. What goes wrong with the server is counted in the tally.
    /// - Parameter observedProcess: a process of which the CPU time within the window is measured too.
    /// - Returns: after at most the sum of the plan's times, whatever the server does.
    static func run(
        _ plan: LoadPlan, _ exchange: some Exchange, to address: SocketAddress, observedProcess: Int32? = nil,
        progress: ProgressLine
    ) throws -> LoadTally {
        try makeRoom(forSockets: plan.connectionCount)
        let control = LoadControl(threadCount: plan.threadCount)
        let total = Mutex(LoadTally())
        let threads = try (0..<plan.threadCount).map { index in
            try SystemThread {
                let tally = LoadWorker.run(
                    plan, exchange, threadIndex: index, to: address, control: control, observedProcess: observedProcess,
                    progress: progress)
                total.withLock { $0.merge(tally) }
            }
        }
        for thread in threads { thread.join() }
        return total.withLock { $0 }
    }

    /// Raises the limit of open files to this many sockets beside what a process has open anyway.
    static func makeRoom(forSockets count: Int) throws(OpenFileLimitError) {
        let needed = count + 64
        let allowed = DescriptorLimit.raise(to: needed, raisesHardLimit: true)
        guard allowed >= needed else { throw OpenFileLimitError(socketCount: count, allowedCount: allowed) }
    }
}

/// What one run of load consists of, whatever is said on its connections.
struct LoadPlan: Sendable {
    var connectionCount = 64
    /// Messages in flight a connection.
    var pipeline = 1
    var threadCount = 1
    var warmupSeconds = 1.0
    var durationSeconds = 10.0
    /// Each connection's first messages are its last: the window is from the first byte sent to the last answer, without a
    /// warm-up, and `durationSeconds` is the most that it may take.
    var asksOnce = false
    /// What is not connected by then counts as a connect error.
    var connectTimeoutSeconds = 10.0
    /// How long, after the window, the answers still owed are waited for.
    var drainTimeoutSeconds = 5.0

    /// The connections of one thread; their numbers run through all threads.
    func connections(ofThread index: Int) -> Range<Int> {
        connectionCount * index / threadCount..<connectionCount * (index + 1) / threadCount
    }
}

/// What the threads of one run share.
final class LoadControl: Sendable {
    /// Passed when every thread has made its connections.
    let start: Latch<Never>
    private let aborted = Atomic(false)
    private let requests = Atomic(0)

    init(threadCount: Int) {
        start = Latch(count: threadCount)
    }

    /// One thread has seen wrong bytes: there is nothing left to measure.
    var isAborted: Bool { aborted.load(ordering: .relaxed) }

    func abort() {
        aborted.store(true, ordering: .relaxed)
    }

    /// Messages completed so far, as of each thread's last tick.
    var requestCount: Int { requests.load(ordering: .relaxed) }

    func addRequests(_ count: Int) {
        requests.add(count, ordering: .relaxed)
    }
}

/// The part of a run that is measured: its clocks are read when it opens and when it closes.
struct MeasuredWindow {
    private let start: UInt64
    private let ownProcessorStart: UInt64
    private let observed: (process: pid_t, start: UInt64)?

    /// Opens the window. The CPU clocks concern whole processes: one thread of a run reads them.
    init(at now: UInt64, observedProcess: pid_t?) {
        start = now
        observed = observedProcess.flatMap { process in
            Clock.processorNanoseconds(ofProcess: process).map { (process, $0) }
        }
        ownProcessorStart = Clock.ownProcessorNanoseconds
    }

    /// Closes it, and enters its length and the CPU times within it; these only where `readsProcessorClocks`.
    func close(at now: UInt64, into tally: inout LoadTally, readsProcessorClocks: Bool) {
        tally.windowNanoseconds = now - start
        guard readsProcessorClocks else { return }
        tally.ownProcessorNanoseconds = Clock.ownProcessorNanoseconds - ownProcessorStart
        if let (process, start) = observed, let end = Clock.processorNanoseconds(ofProcess: process) {
            tally.observedProcessorNanoseconds = end - start
        }
    }
}

/// More connections than this process may open.
struct OpenFileLimitError: Error, CustomStringConvertible {
    let socketCount: Int
    let allowedCount: Int

    var description: String {
        "\(socketCount) connections need more open files than the \(allowedCount) allowed; raise the limit: "
            + "ulimit -n \(socketCount + 64)"
    }
}
