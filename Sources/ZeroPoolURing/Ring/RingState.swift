internal import CLibUring
internal import Glibc

/// What stands behind a ``Ring``: the queues, and what waits for room in them.
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
    /// User data with these bits is a pool's, so that the program's own operations must not carry it.
    private var reservedMask: UInt64
    private var reservedValue: UInt64
    private var hasPool = false
    private let ownThread = pthread_self()
    private var backlog = SubmissionBacklog()
    private var timespecs: Slab<__kernel_timespec>
    /// How many entries were prepared, by operation number.
    private var operationCounts = InlineArray<64, Int>(repeating: 0)
    private(set) var enterCount = 0
    /// How often in a row the kernel refused everything.
    var refusalCount = 0
    /// How many completions the kernel had dropped when we came.
    private let droppedCountBefore: UInt32
    /// Completions are being read: their slots are still the reader's.
    var isReaping = false
    private var isClosed = false

    init(
        ring: UnsafeMutablePointer<io_uring>, isOwned: Bool, memlockGrace: MemlockGrace
    ) throws(RingError) {
        features = try unsafe RingFeatures(of: ring)
        self.memlockGrace = memlockGrace
        droppedCountBefore = unsafe ring.pointee.cq.koverflow.pointee
        unsafe self.ring = ring
        self.isOwned = isOwned
        // On a ring of our own from the start: an operation may complete after the pool was made.
        reservedMask = isOwned ? RingPool.Reservation.wholeRing.userDataMask : 0
        reservedValue = RingPool.Reservation.wholeRing.userDataValue
        timespecs = unsafe Slab(zeroedCount: Int(ring.pointee.sq.ring_entries))
    }

    deinit {
        if !isClosed { exit() }
        if isOwned { unsafe ring.deallocate() }
    }

    mutating func close() {
        guard !isClosed else { return }
        isClosed = true
        exit()
    }

    private func exit() {
        requireOwnThread()
        if isOwned { unsafe io_uring_queue_exit(ring) }
    }

    /// A registered ring descriptor is an index into a table of the thread: on another thread it names another ring.
    func requireOwnThread() {
        precondition(
            !isOwned || pthread_equal(ownThread, pthread_self()) != 0,
            "a ring may be used and ended only by the thread that made it")
    }

    /// Reserves user data for a pool: of pools that share any, one would take the other's completions.
    mutating func reserve(_ reservation: RingPool.Reservation) {
        precondition(!hasPool, "a ring has one pool at a time")
        hasPool = true
        if isOwned {
            precondition(
                reservation.userDataValue & reservedMask == reservedValue,
                "on a ring of its own, a pool's user data lies from 2⁶³ up")
        } else {
            (reservedMask, reservedValue) = (reservation.userDataMask, reservation.userDataValue)
        }
    }

    /// The pool has ended, and every operation of its own with it.
    mutating func endReservation() { hasPool = false }

    /// User data for an operation of the program's own. Traps when it is a pool's.
    @inline(__always)
    func requireOwn(_ userData: UInt64) {
        precondition(userData & reservedMask != reservedValue, "user data that is reserved for the ring's pool")
    }

    /// Whether the kernel had no memory to keep a completion past a full queue.
    private var hasLostCompletions: Bool { unsafe ring.pointee.cq.koverflow.pointee != droppedCountBefore }

    func operationCount(of opcode: Opcode) -> Int { operationCounts[Int(opcode.rawValue)] }

    // MARK: Preparing

    /// Writes an entry. `configure` adds what is special about its operation.
    @inline(__always)
    mutating func prepare(
        _ opcode: Opcode, on descriptor: IODescriptor, address: UInt64 = 0, length: UInt32 = 0, offset: UInt64 = 0,
        userData: UInt64, _ configure: (inout io_uring_sqe) -> Void = { _ in }
    ) {
        operationCounts[Int(opcode.rawValue)] &+= 1
        if backlog.count == 0, let entry = unsafe io_uring_get_sqe(ring) {
            unsafe Self.write(
                &entry.pointee, opcode, on: descriptor, address: address, length: length, offset: offset,
                userData: userData)
            unsafe configure(&entry.pointee)
        } else {
            var entry = io_uring_sqe()
            Self.write(
                &entry, opcode, on: descriptor, address: address, length: length, offset: offset, userData: userData)
            configure(&entry)
            enqueueBehindFullQueue(SubmissionBacklog.Element(entry: entry))
        }
    }

    /// Prepares a timeout: the entry's address is that of a time that lives as long as the entry.
    mutating func prepareTimeout(_ timespec: __kernel_timespec, flags: UInt32, userData: UInt64) {
        operationCounts[Int(Opcode.timeout.rawValue)] &+= 1
        var entry = io_uring_sqe()
        Self.write(&entry, .timeout, on: .file(-1), address: 0, length: 1, offset: 0, userData: userData)
        entry.timeout_flags = flags
        let element = SubmissionBacklog.Element(entry: entry, timespec: timespec)
        if backlog.count > 0 || !tryEnqueue(element) { enqueueBehindFullQueue(element) }
    }

    @inline(__always)
    private static func write(
        _ entry: inout io_uring_sqe, _ opcode: Opcode, on descriptor: IODescriptor, address: UInt64, length: UInt32,
        offset: UInt64, userData: UInt64
    ) {
        unsafe io_uring_prep_rw(
            Int32(opcode.rawValue), &entry, descriptor.number, UnsafeRawPointer(bitPattern: UInt(address)), length,
            offset)
        entry.user_data = userData
        if descriptor.isDirect { entry.flags = UInt8(ZP_SQE_FIXED_FILE) }
    }

    /// Copies an entry into the queue; false when that is full.
    private mutating func tryEnqueue(_ element: SubmissionBacklog.Element) -> Bool {
        guard let entry = unsafe io_uring_get_sqe(ring) else { return false }
        unsafe entry.pointee = element.entry
        if element.entry.opcode == Opcode.timeout.rawValue {
            let index = unsafe Int((ring.pointee.sq.sqe_tail &- 1) & ring.pointee.sq.ring_mask)
            timespecs[index] = element.timespec
            unsafe entry.pointee.addr = timespecs.address(of: index)
        }
        return true
    }

    @inline(never)
    private mutating func enqueueBehindFullQueue(_ element: SubmissionBacklog.Element) {
        // A refusal is not lost: whoever calls submit() next meets it again.
        _ = submit()
        if backlog.count > 0 || !tryEnqueue(element) { backlog.append(element) }
    }

    // MARK: Submitting and waiting

    /// Hands over everything that the kernel takes. Returns how many entries it took, or a negative `errno`.
    mutating func submit() -> Int32 {
        var submitted: Int32 = 0
        repeat {
            while let oldest = backlog.oldest, tryEnqueue(oldest) { backlog.removeOldest() }
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

    mutating func submitAndWait(minimum: UInt32, timeout: Duration?) throws(RingError) {
        let result = enter(minimum: minimum, timeout: timeout)
        // Asked by itself: a call that submits something returns how much, and not that completions were lost.
        if hasLostCompletions { throw RingError(.wait, errno: EBADR) }
        guard result < 0 else {
            refusalCount = 0
            return
        }
        switch Refusal(errno: -result) {
        case .interruption: break
        case .shortage where outlastRefusal(): break
        case .shortage, .death: throw RingError(.wait, errno: -result)
        }
    }

    private mutating func enter(minimum: UInt32, timeout: Duration?) -> Int32 {
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

/// Entries that found no room in the submission queue, in order. Empty but when the kernel refuses submissions.
struct SubmissionBacklog {
    struct Element {
        var entry: io_uring_sqe
        /// A timeout's time, which has to outlive its entry's wait here.
        var timespec = __kernel_timespec()
    }

    private var elements: [Element] = []
    private var first = 0
    /// By itself, so that a look at it touches no array.
    private(set) var count = 0

    var oldest: Element? { count == 0 ? nil : elements[first] }

    mutating func append(_ element: Element) {
        elements.append(element)
        count += 1
    }

    mutating func removeOldest() {
        precondition(count > 0, "there is no entry")
        first += 1
        count -= 1
        if count == 0 {
            elements.removeAll()
            first = 0
        } else if 2 * first >= elements.count {
            elements.removeFirst(first)
            first = 0
        }
    }
}

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
