internal import CLibUring
internal import Glibc

/// What stands behind a ``Ring``, at one address for its whole life.
///
/// - The submission queue is followed by `backlog`: while that holds entries, nothing may enter the queue before them.
/// - `timespecs[i]` belongs to the submission entry at index `i` of the queue: whoever writes that entry may write it,
///   so it lives exactly as long as the kernel may read the entry (with `SQPOLL` too).
@safe
struct RingState: ~Copyable {
    let ring: UnsafeMutablePointer<io_uring>
    /// False for a host's ring, which is not ours to close.
    let isOwned: Bool
    let features: RingFeatures
    var memlockGrace: MemlockGrace
    private let ownThread = pthread_self()
    /// The values that keep the ring: all of them on its thread, so a plain count will do.
    var handleCount = 1
    var backlog = SubmissionBacklog()
    private let timespecs: UnsafeMutablePointer<__kernel_timespec>
    /// How many entries were prepared, by operation number.
    private let operationCounts: UnsafeMutablePointer<Int>
    var enterCount = 0
    /// How often in a row the kernel refused everything; and how many completions it had dropped when we came.
    var refusalCount = 0
    private let droppedCountBefore: UInt32
    /// Completions are being read: their slots are still the reader's.
    var isReaping = false

    static let operationCountLimit = 64

    init(
        ring: UnsafeMutablePointer<io_uring>, isOwned: Bool, memlockGrace: MemlockGrace
    ) throws(RingError) {
        features = try unsafe RingFeatures(of: ring)
        self.memlockGrace = memlockGrace
        droppedCountBefore = unsafe ring.pointee.cq.koverflow.pointee
        unsafe self.ring = ring
        self.isOwned = isOwned
        unsafe timespecs = .allocate(capacity: Int(ring.pointee.sq.ring_entries))
        unsafe operationCounts = .allocate(capacity: Self.operationCountLimit)
        unsafe operationCounts.initialize(repeating: 0, count: Self.operationCountLimit)
    }

    deinit {
        requireOwnThread()
        unsafe timespecs.deallocate()
        unsafe operationCounts.deallocate()
        if isOwned {
            unsafe io_uring_queue_exit(ring)
            unsafe ring.deallocate()
        }
    }

    /// A registered ring descriptor is an index into a table of the thread: on another thread it names another ring.
    func requireOwnThread() {
        precondition(
            !isOwned || pthread_equal(ownThread, pthread_self()) != 0,
            "a ring may be used and ended only by the thread that made it")
    }

    /// Whether the kernel had no memory to keep a completion past a full queue.
    var hasLostCompletions: Bool { unsafe ring.pointee.cq.koverflow.pointee != droppedCountBefore }

    func operationCount(of opcode: Opcode) -> Int { unsafe operationCounts[Int(opcode.rawValue)] }

    /// A written entry, to which the caller adds what is special about its operation, and for a timeout its time.
    @inline(__always)
    mutating func prepare(
        _ opcode: Opcode, on descriptor: IODescriptor, address: UnsafeRawPointer? = nil, length: UInt32 = 0,
        offset: UInt64 = 0, userData: UInt64
    ) -> UnsafeMutablePointer<io_uring_sqe> {
        unsafe operationCounts[Int(opcode.rawValue)] &+= 1
        let entry = unsafe nextEntry()
        unsafe io_uring_prep_rw(
            Int32(opcode.rawValue), entry, descriptor.number, address, length, offset)
        unsafe entry.pointee.user_data = userData
        if descriptor.isDirect { unsafe entry.pointee.flags = UInt8(ZP_SQE_FIXED_FILE) }
        return unsafe entry
    }

    /// Prepares a timeout: the entry's address is that of a time that lives as long as the entry.
    mutating func prepareTimeout(_ timespec: __kernel_timespec, flags: UInt32, userData: UInt64) {
        let entry = unsafe prepare(.timeout, on: .file(-1), length: 1, userData: userData)
        unsafe entry.pointee.timeout_flags = flags
        if backlog.count > 0 {
            // The entry was just appended there; flushing moves the time along with it.
            unsafe backlog.newest.pointee.timespec = timespec
        } else {
            unsafe attach(timespec, to: entry)
        }
    }

    private func attach(_ timespec: __kernel_timespec, to entry: UnsafeMutablePointer<io_uring_sqe>) {
        let slot = unsafe timespecs + Int((ring.pointee.sq.sqe_tail &- 1) & ring.pointee.sq.ring_mask)
        unsafe slot.initialize(to: timespec)
        unsafe entry.pointee.addr = UInt64(UInt(bitPattern: slot))
    }

    @inline(__always)
    private mutating func nextEntry() -> UnsafeMutablePointer<io_uring_sqe> {
        if backlog.count == 0, let entry = unsafe io_uring_get_sqe(ring) { return unsafe entry }
        return unsafe nextEntryOfFullQueue()
    }

    @inline(never)
    private mutating func nextEntryOfFullQueue() -> UnsafeMutablePointer<io_uring_sqe> {
        // A refusal is not lost: whoever calls submit() next meets it again.
        _ = submit()
        if backlog.count == 0, let entry = unsafe io_uring_get_sqe(ring) { return unsafe entry }
        return unsafe backlog.append()
    }

    /// Hands over everything that the kernel takes. Returns how many entries it took, or a negative `errno`.
    mutating func submit() -> Int32 {
        var submitted: Int32 = 0
        repeat {
            flushBacklog()
            if unsafe io_uring_sq_ready(ring) == 0 { break }
            requireOwnThread()
            enterCount &+= 1
            let result = unsafe io_uring_submit(ring)
            if result < 0 { return submitted > 0 ? submitted : result }
            if result == 0 { break }
            submitted &+= result
        } while backlog.count > 0
        return submitted
    }

    /// Moves what fits from the backlog into the submission queue.
    private mutating func flushBacklog() {
        while backlog.count > 0, let entry = unsafe io_uring_get_sqe(ring) {
            let oldest = unsafe backlog.oldest
            unsafe entry.update(from: &oldest.pointee.entry, count: 1)
            if unsafe entry.pointee.opcode == Opcode.timeout.rawValue {
                unsafe attach(oldest.pointee.timespec, to: entry)
            }
            backlog.removeOldest()
        }
    }
}
