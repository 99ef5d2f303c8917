internal import Glibc

/// For how long a ring's set-up waits for lockable memory.
///
/// The charge of a ring that ended, or of a process, falls some time after its end: who starts right behind it meets
/// `ENOMEM` for a moment. One time for all that is made on a ring, so that waits don't add up.
struct MemlockGrace {
    /// In nanoseconds of the monotonic clock: with a `ContinuousClock.Instant`, whose size the library keeps to itself,
    /// a type that has one is laid out at run time, and Swift 6.3 may then take it for trivial and leave its deinit out.
    private var end: UInt64

    /// From now on.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = max(.zero, duration).components
        end = Self.now + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds / 1_000_000_000)
    }

    /// No further waiting.
    mutating func finish() { end = 0 }

    /// Calls `attempt` until it results in other than `-ENOMEM`, or the time is over: once at least.
    func retry(_ attempt: () -> Int32) -> Int32 {
        var result = attempt()
        while result == -ENOMEM, Self.now < end {
            usleep(5000)
            result = attempt()
        }
        return result
    }

    private static var now: UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
