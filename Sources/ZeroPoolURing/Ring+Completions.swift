internal import CLibUring

extension Ring {
    /// Gives every completion that can be read now to `body`, then gives their slots back to the kernel at once.
    ///
    /// Returns how many there were. `body` may prepare operations and submit, and must not read completions.
    @discardableResult
    public func forEachCompletion(_ body: (Completion) -> Void) -> Int {
        let ring = unsafe state.pointee.ring
        precondition(unsafe !state.pointee.isReaping, "completions are being read already")
        unsafe state.pointee.isReaping = true
        defer { unsafe state.pointee.isReaping = false }

        let count = unsafe io_uring_cq_ready(ring)
        let head = unsafe ring.pointee.cq.khead.pointee
        for index in 0..<count {
            let entry = unsafe zp_completion_at(ring, head &+ index)!
            unsafe body(
                Completion(
                    userData: entry.pointee.user_data, result: entry.pointee.res,
                    flags: CompletionFlags(rawValue: entry.pointee.flags)))
        }
        unsafe io_uring_cq_advance(ring, count)
        return Int(count)
    }
}
