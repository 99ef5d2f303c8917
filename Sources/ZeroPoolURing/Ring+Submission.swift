internal import CLibUring
internal import Glibc

extension Ring {
    /// Hands what was prepared to the kernel. Without anything prepared, no system call.
    ///
    /// Returns how many operations the kernel took. It may be fewer than were prepared, when it is short of memory or
    /// its completion queue overflows (`EAGAIN`, `EBUSY`): the rest stays and goes with the next submission, after
    /// completions were reaped. Throws what can't be waited out. Traps on another thread than the ring's.
    @discardableResult
    public func submit() throws(RingError) -> Int {
        let result = unsafe state.pointee.submit()
        if result < 0 && !Self.passesByItself(-result) { throw RingError(.submit, errno: -result) }
        return Int(max(result, 0))
    }

    /// Submits, and waits until at least `minimum` completions can be read, or `timeout` is over.
    ///
    /// Runs the kernel's deferred work, so completions appear only through this call. With a `minimum` of 0 it does
    /// that without waiting. Signals (`EINTR`), the end of the time (`ETIME`), and the kernel's passing refusals
    /// (`EAGAIN`, `EBUSY`) are not errors: the call returns, with fewer completions or none. One system call.
    public func submitAndWait(minimum: UInt32 = 1, timeout: Duration? = nil) throws(RingError) {
        let result = unsafe state.pointee.submitAndWait(minimum: minimum, timeout: timeout)
        if result < 0 && !Self.passesByItself(-result) { throw RingError(.wait, errno: -result) }
    }

    private static func passesByItself(_ errno: Int32) -> Bool {
        switch errno {
        case EAGAIN,  // no memory for the kernel's request, or no completion yet
            EBUSY,  // the completion queue overflows: reap first
            EINTR,  // a signal
            ETIME:  // the timeout
            true
        default: false
        }
    }
}

extension RingState {
    mutating func submitAndWait(minimum: UInt32, timeout: Duration?) -> Int32 {
        if backlog.count > 0 {
            let result = submit()
            // What is still refused must not wait for completions that it may itself be about to cause.
            let isRefused = unsafe backlog.count > 0 && (result < 0 || io_uring_cq_ready(ring) > 0)
            if isRefused { return result }
        }
        requireOwnThread()
        enterCount &+= 1
        if minimum == 0 { return unsafe io_uring_submit_and_get_events(ring) }
        guard let timeout else { return unsafe io_uring_submit_and_wait(ring, minimum) }
        var timespec = __kernel_timespec(timeout)
        var first: UnsafeMutablePointer<io_uring_cqe>?
        return unsafe io_uring_submit_and_wait_timeout(ring, &first, minimum, &timespec, nil)
    }
}
