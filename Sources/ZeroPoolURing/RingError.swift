internal import Glibc

/// The kernel refused a call that concerns the whole ring. Failures of single operations are completions instead.
public struct RingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was being done.
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

    /// What was being done.
    public let operation: Operation
    /// Why the kernel refused: a positive `errno`.
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

    /// What the user can do about it, as a sentence; `nil` where nothing general can be said.
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
