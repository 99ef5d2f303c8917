internal import CLibUring

extension __kernel_timespec {
    /// The kernel's shape of `duration`. Negative durations are zero.
    init(_ duration: Duration) {
        guard duration > .zero else {
            self.init(tv_sec: 0, tv_nsec: 0)
            return
        }
        let (seconds, attoseconds) = duration.components
        self.init(tv_sec: seconds, tv_nsec: attoseconds / 1_000_000_000)
    }

    init(nanoseconds: UInt64) {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        self.init(tv_sec: Int64(seconds), tv_nsec: Int64(rest))
    }
}
