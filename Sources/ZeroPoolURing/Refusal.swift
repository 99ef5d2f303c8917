internal import Glibc

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
