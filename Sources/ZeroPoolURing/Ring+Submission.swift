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
        if result < 0, Refusal(errno: -result) == .death { throw RingError(.submit, errno: -result) }
        return Int(max(result, 0))
    }

    /// Submits, and waits until at least `minimum` completions can be read, or `timeout` is over.
    ///
    /// Runs the kernel's deferred work, so completions appear only through this call. With a `minimum` of 0 it does
    /// that without waiting. Signals (`EINTR`), the end of the time (`ETIME`), and the kernel's passing refusals
    /// (`EAGAIN`, `EBUSY`) are not errors: the call returns, with fewer completions or none. One system call.
    ///
    /// A refusal with nothing to reap costs a millisecond's sleep, so that a loop around the call does not spin, and is an
    /// error when it lasts for about five seconds. Everything else is one at once: the ring is dead, and so are lost
    /// completions (`EBADR`), for operations that never end hold their memory for ever.
    public func submitAndWait(minimum: UInt32 = 1, timeout: Duration? = nil) throws(RingError) {
        let result = unsafe state.pointee.submitAndWait(minimum: minimum, timeout: timeout)
        // Asked by itself: a call that submits something returns how much, and not that completions were lost.
        if unsafe state.pointee.hasLostCompletions { throw RingError(.wait, errno: EBADR) }
        guard result < 0 else {
            unsafe state.pointee.refusalCount = 0
            return
        }
        switch Refusal(errno: -result) {
        case .interruption: break
        case .shortage where unsafe state.pointee.outlastRefusal(): break
        case .shortage, .death: throw RingError(.wait, errno: -result)
        }
    }
}

extension RingState {
    mutating func submitAndWait(minimum: UInt32, timeout: Duration?) -> Int32 {
        if backlog.count > 0 {
            let result = submit()
            // What is still kept may itself be what causes the next completion: no waiting for that.
            if backlog.count > 0 { return result }
        }
        requireOwnThread()
        enterCount &+= 1
        if minimum == 0 { return unsafe io_uring_submit_and_get_events(ring) }
        guard let timeout else { return unsafe io_uring_submit_and_wait(ring, minimum) }
        var timespec = __kernel_timespec(timeout)
        var first: UnsafeMutablePointer<io_uring_cqe>?
        return unsafe io_uring_submit_and_wait_timeout(ring, &first, minimum, &timespec, nil)
    }

    /// As many refusals in a row, a millisecond each, are a shortage that passes.
    private static let refusalLimit = 5000

    /// Gives a shortage time to pass; false when it has had enough.
    mutating func outlastRefusal() -> Bool {
        // A refused submission runs no deferred work, which is what frees the kernel's requests and makes completions.
        unsafe io_uring_get_events(ring)
        if unsafe io_uring_cq_ready(ring) > 0 {
            refusalCount = 0
            return true
        }
        refusalCount += 1
        guard refusalCount <= Self.refusalLimit else { return false }
        usleep(1000)
        return true
    }
}
