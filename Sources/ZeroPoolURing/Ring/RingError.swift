internal import Glibc

/// The kernel refused a call that concerns the whole ring. Failures of single operations are completions instead.
public struct RingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The call that failed.
    public enum Operation: String, Sendable {
        case setUp = "set up an io_uring"
        case probe = "probe what the kernel's io_uring offers"
        case submit = "submit operations"
        case wait = "wait for completions"
        case registerBuffers = "register a buffer table with the ring"
        case updateBuffers = "register memory with the ring"
        case unregisterBuffers = "unregister the ring's buffer table"
        case registerBufferRing = "register a provided-buffer ring"
        case unregisterBufferRing = "unregister a provided-buffer ring"
        case registerFiles = "register a file table with the ring"
    }

    /// The call that failed.
    public let operation: Operation
    /// The kernel's reason, a positive `errno`.
    public let errno: Int32

    /// An error of `operation`. `errno` is positive.
    public init(_ operation: Operation, errno: Int32) {
        self.operation = operation
        self.errno = errno
    }

    /// One sentence without the remedy, such as "Cannot set up an io_uring: Operation not permitted (errno 1)".
    public var description: String {
        let reason = unsafe String(cString: strerror(errno))
        return "Cannot \(operation.rawValue): \(reason) (errno \(errno))"
    }

    /// What the user can do about it, as a sentence; nil when there is no general remedy.
    public var remedy: String? {
        switch (operation, errno) {
        case (.setUp, EPERM): Self.setUpForbiddenRemedy
        case (.setUp, ENOSYS), (.probe, ENOSYS):
            "This kernel has no io_uring; Linux 6.1 or newer is needed."
        case (.setUp, EINVAL):
            "This kernel's io_uring lacks single-issuer rings with deferred task work; Linux 6.1 or newer is needed."
        case (.setUp, ENOMEM), (.registerBuffers, ENOMEM), (.updateBuffers, ENOMEM), (.registerBufferRing, ENOMEM):
            "The limit on locked memory (RLIMIT_MEMLOCK, `ulimit -l`) is used up; raise it, or register less memory."
        case (.setUp, EMFILE), (.registerFiles, EMFILE):
            "The limit on open files (RLIMIT_NOFILE, `ulimit -n`) is too low; raise it."
        case (.submit, EEXIST), (.wait, EEXIST), (.updateBuffers, EEXIST):
            "A ring may be used only by the thread that made it."
        default: nil
        }
    }

    /// EPERM comes from the sysctl or from a seccomp filter (containers); the sysctl can be read, the filter can't.
    private static var setUpForbiddenRemedy: String {
        var text: UInt8 = 0
        let descriptor = unsafe open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC)
        if descriptor >= 0 {
            if unsafe read(descriptor, &text, 1) != 1 { text = 0 }
            close(descriptor)
        }
        return switch text {
        case UInt8(ascii: "1"):
            "The sysctl kernel.io_uring_disabled is 1: only members of the group kernel.io_uring_group, and root, "
                + "may use io_uring. Set it to 0, or join the group."
        case UInt8(ascii: "2"):
            "The sysctl kernel.io_uring_disabled is 2: io_uring is off for everyone. Set it to 0."
        default:
            "A seccomp filter forbids io_uring, as containers do by default. Run outside the container, or allow "
                + "io_uring_setup, io_uring_enter and io_uring_register in its seccomp profile."
        }
    }
}

/// What it means when the kernel refuses to submit or to wait: `io_uring_enter(2)` and `io_uring/io_uring.c` of Linux 6.18.
enum Refusal {
    /// Nothing failed: the call ended early.
    case interruption
    /// Kept operations go later, after completions were reaped.
    case shortage
    /// The ring is of no use any more, or was used wrongly: going on would be half alive.
    case death

    init(errno: Int32) {
        switch errno {
        // A signal; the end of the timeout.
        case EINTR, ETIME: self = .interruption
        // No memory for a request; and, up to Linux 5.18, a completion queue that overflows.
        case EAGAIN, EBUSY: self = .shortage
        // EBADR: completions were dropped; their operations seem to run for ever.
        // EBADF, EOPNOTSUPP, ENXIO, EBADFD: the descriptor is closed, no ring, torn down, or not enabled.
        // EEXIST: another thread than the ring's own. EOWNERDEAD: a host's submission thread has died.
        // EFAULT, EINVAL: the queues or the arguments are not what the kernel takes. EPERM, EACCES, ENOSYS: a filter.
        // ENOMEM: of a thread's first call, whose record with the ring can't be made.
        default: self = .death
        }
    }
}

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
