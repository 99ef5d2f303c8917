import Glibc

/// The clocks of the machine, in nanoseconds.
enum Clock {
    /// Time that only goes forward.
    static var monotonicNanoseconds: UInt64 { read(CLOCK_MONOTONIC)! }

    /// CPU time that this process has used so far, in all its threads.
    static var ownProcessorNanoseconds: UInt64 { read(CLOCK_PROCESS_CPUTIME_ID)! }

    /// CPU time that the process has used so far, in all its threads; nil when it is gone.
    ///
    /// Exact to the moment also for a process that is running on another processor.
    static func processorNanoseconds(ofProcess id: pid_t) -> UInt64? {
        var clock = clockid_t()
        guard unsafe clock_getcpuclockid(id, &clock) == 0 else { return nil }
        return read(clock)
    }

    private static func read(_ clock: clockid_t) -> UInt64? {
        var time = timespec()
        guard unsafe clock_gettime(clock, &time) == 0 else { return nil }
        return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    }
}

extension UInt64 {
    /// Seconds as nanoseconds, for times that a user gave.
    init(nanosecondsIn seconds: Double) {
        self = UInt64(seconds * 1e9)
    }
}
