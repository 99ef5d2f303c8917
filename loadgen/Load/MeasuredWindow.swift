import Glibc

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
