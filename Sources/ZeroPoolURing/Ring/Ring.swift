internal import CLibUring
internal import Glibc

/// An io_uring instance: operations go in, completions come out.
///
/// A ring belongs to the thread that made it, and is not `Sendable`. Preparing an operation fills an entry of the
/// submission queue; it never fails and never blocks. ``submit()`` or ``submitAndWait(minimum:timeout:)`` pass the
/// entries to the kernel. A full queue is submitted on the way. Entries that the kernel refuses for now are kept, in
/// order, for the next submission.
///
/// Completions come in any order; `userData` tells them apart. On a ring that it made itself, user data from 2⁶³ up
/// belongs to its ``RingPool``, and another operation with such user data traps. On a host's ring,
/// ``RingPool/Reservation`` says which user data is the pool's.
///
/// All methods borrow, so a class may keep a ring in a `let`. Memory that an operation gets as a raw pointer must stay
/// valid until its final completion (``Completion/isFinal``). ``RingPool`` ensures this by itself.
///
/// `deinit` closes the ring, or the last ``RingPool`` or ``ProvidedBufferRing`` on it does. By then, no operation may
/// use memory that was passed as a raw pointer.
@safe
public struct Ring: ~Copyable {
    /// The sizes of the two queues, in entries. Both are rounded up to powers of two by the kernel, and clamped.
    public struct Configuration: Sendable {
        /// Operations that can be prepared before they are submitted automatically.
        public var submissionEntries: UInt32
        /// Completions that fit into shared memory. The kernel keeps further ones in a slower list.
        public var completionEntries: UInt32
        /// How long the ring and its first registrations wait for locked memory that ended rings of the same user still
        /// hold. Counted from the making of the ring; 100 ms by default.
        public var memlockGrace = Duration.milliseconds(100)

        /// 1,024 submissions, 16,384 completions (about 330 KiB of kernel memory together).
        public init(submissionEntries: UInt32 = 1024, completionEntries: UInt32 = 16384) {
            self.submissionEntries = submissionEntries
            self.completionEntries = completionEntries
        }
    }

    let state: Shared<RingState>

    /// Makes a ring for the calling thread: single issuer, deferred task work (kernel 6.1), and a registered
    /// descriptor, so that entering the kernel takes no reference on a file.
    ///
    /// Recent kernels charge the queues to `RLIMIT_MEMLOCK`. If they don't fit, it waits for
    /// ``Configuration/memlockGrace``, then uses smaller queues (``submissionEntryCount``). Smaller queues only cost
    /// more system calls.
    public init(_ configuration: Configuration = Configuration()) throws(RingError) {
        let ring = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
        unsafe ring.initialize(to: io_uring())
        let grace = MemlockGrace(configuration.memlockGrace)
        let result = unsafe Self.setUp(ring, configuration, grace)
        guard result == 0 else {
            unsafe ring.deallocate()
            throw RingError(.setUp, errno: -result)
        }
        // A thread may register 16 rings; one more works as well, a little slower.
        _ = unsafe io_uring_register_ring_fd(ring)
        do {
            state = Shared(try unsafe RingState(ring: ring, isOwned: true, memlockGrace: grace))
        } catch {
            unsafe io_uring_queue_exit(ring)
            unsafe ring.deallocate()
            throw error
        }
    }

    /// Returns 0 or a negative `errno`. Of a scarce limit it takes steps of a quarter, and so leaves some to others.
    private static func setUp(
        _ ring: UnsafeMutablePointer<io_uring>, _ configuration: Configuration, _ grace: MemlockGrace
    ) -> Int32 {
        var submissionEntries = configuration.submissionEntries
        var completionEntries = max(configuration.completionEntries, submissionEntries)
        while true {
            var parameters = io_uring_params()
            parameters.flags =
                IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL
                | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP
            parameters.cq_entries = completionEntries
            let result = grace.retry { unsafe io_uring_queue_init_params(submissionEntries, ring, &parameters) }
            guard result == -ENOMEM, submissionEntries >= 64 else { return result }
            (submissionEntries, completionEntries) = (submissionEntries / 4, completionEntries / 4)
        }
    }

    /// Works on a ring that the host program made. `hostRing` points to its `struct io_uring`.
    ///
    /// The host keeps ownership, and its `struct io_uring` must outlive this value. Use the value on a thread that may
    /// submit to the ring, never at the same time as the host. Both may prepare and submit; entries keep their order.
    /// Each side must pass the completions of the other side on. Deinit leaves the ring open.
    @unsafe
    public init(adopting hostRing: UnsafeMutableRawPointer) throws(RingError) {
        let ring = unsafe hostRing.assumingMemoryBound(to: io_uring.self)
        let grace = MemlockGrace(Configuration().memlockGrace)
        state = Shared(try unsafe RingState(ring: ring, isOwned: false, memlockGrace: grace))
    }

    /// Another handle on the same ring, which ends with the last of them: pools and buffer rings must not outlive it.
    init(sharing other: borrowing Ring) { state = Shared(sharing: other.state) }

    /// From now on nothing on this ring waits for locked memory: what serves must not sleep.
    package func endMemlockGrace() { state.value.memlockGrace.finish() }

    /// Ends the ring before the value ends, on its thread, after the pools and buffer groups on it. Nothing else may be called
    /// afterwards.
    package func close() { state.value.close() }

    /// The features of the running kernel.
    public var features: RingFeatures { state.value.features }

    /// Operations that can be prepared between two submissions: the requested number, rounded up, or fewer.
    public var submissionEntryCount: Int { unsafe Int(state.value.ring.pointee.sq.ring_entries) }

    /// The ring's own descriptor, for ``messageRing(_:targetUserData:result:userData:)`` from another thread's ring.
    public var fileDescriptor: Int32 { unsafe state.value.ring.pointee.ring_fd }

    /// Registers an empty file table of `count` slots, for direct descriptors. Once per ring; freed with it.
    ///
    /// Throws ``RingError`` with `EMFILE` when `count` exceeds `RLIMIT_NOFILE`.
    public func registerSparseFiles(count: UInt32) throws(RingError) {
        let result = unsafe io_uring_register_files_sparse(state.value.ring, count)
        if result < 0 { throw RingError(.registerFiles, errno: -result) }
    }

    /// The number of operations prepared, by the kernel's name. Leaves out operations that were never used.
    public var operationCounts: [(name: String, count: Int)] {
        Opcode.allCases.compactMap { opcode in
            let count = operationCount(of: opcode)
            return count == 0 ? nil : (opcode.name, count)
        }
    }

    /// The number of prepared operations of this kind.
    public func operationCount(of opcode: Opcode) -> Int { state.value.operationCount(of: opcode) }

    /// Calls of `io_uring_enter`, to submit or to wait.
    public var enterCount: Int { state.value.enterCount }
}

extension Ring {
    /// Passes the prepared operations to the kernel. No system call when there are none.
    ///
    /// Returns how many operations the kernel took. It takes fewer when it is short of memory or its completion queue
    /// overflows (`EAGAIN`, `EBUSY`). The others go with the next submission, after completions were reaped. Throws
    /// errors that waiting can't resolve. Traps on another thread than the ring's.
    @discardableResult
    public func submit() throws(RingError) -> Int {
        let result = state.value.submit()
        if result < 0, Refusal(errno: -result) == .death { throw RingError(.submit, errno: -result) }
        return Int(max(result, 0))
    }

    /// Submits, and waits until at least `minimum` completions can be read, or `timeout` has passed.
    ///
    /// Runs the kernel's deferred work, so completions appear only through this call. With a `minimum` of 0 it does not
    /// wait. Cost: one system call.
    ///
    /// Signals (`EINTR`), the timeout (`ETIME`) and passing refusals (`EAGAIN`, `EBUSY`) are not errors: the call
    /// returns, with fewer completions or none. A refusal with nothing to reap costs a millisecond of sleep, so that a
    /// loop around the call does not spin; it is an error when it lasts for about five seconds. Any other refusal is an
    /// error at once, because the ring has failed. Lost completions (`EBADR`) are an error too, because operations that
    /// never end would hold their memory for ever.
    public func submitAndWait(minimum: UInt32 = 1, timeout: Duration? = nil) throws(RingError) {
        try state.value.submitAndWait(minimum: minimum, timeout: timeout)
    }
}
