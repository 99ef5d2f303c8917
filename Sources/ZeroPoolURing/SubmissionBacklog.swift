internal import CLibUring

/// Entries that found no room in the submission queue, in order. Empty but when the kernel refuses submissions.
@safe
struct SubmissionBacklog: ~Copyable {
    struct Element {
        var entry = io_uring_sqe()
        /// A timeout's time, which has to outlive its entry's wait here.
        var timespec = __kernel_timespec()
    }

    private var elements = UnsafeMutablePointer<Element>.allocate(capacity: 0)
    private var capacity = 0
    private var first = 0
    private var end = 0

    deinit { unsafe elements.deallocate() }

    var count: Int { end - first }

    /// Room for one more entry, behind all others, to be written before the next call.
    mutating func append() -> UnsafeMutablePointer<io_uring_sqe> {
        if end == capacity { makeRoom() }
        unsafe (elements + end).initialize(to: Element())
        end += 1
        // SAFETY: the entry is the element's first field.
        return unsafe UnsafeMutableRawPointer(newest).assumingMemoryBound(to: io_uring_sqe.self)
    }

    /// The oldest entry. There must be one.
    var oldest: UnsafeMutablePointer<Element> {
        assert(count > 0)
        return unsafe elements + first
    }

    /// The entry appended last. There must be one.
    var newest: UnsafeMutablePointer<Element> {
        assert(count > 0)
        return unsafe elements + (end - 1)
    }

    mutating func removeOldest() {
        assert(count > 0)
        first += 1
        if first == end { (first, end) = (0, 0) }
    }

    private mutating func makeRoom() {
        // Elements are trivial: moving them is copying bytes, and dropping them is nothing.
        let roomier = max(64, count * 2)
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: roomier)
        unsafe larger.initialize(from: elements + first, count: count)
        unsafe elements.deallocate()
        unsafe elements = larger
        (capacity, first, end) = (roomier, 0, count)
    }
}
