import Glibc
import ZeroPool

/// What a connection's peer has sent and nobody has read: one lease that is being read, and others behind it.
///
/// A head that is not whole in the first lease is made whole there: what is left of it goes to the front, and what follows is
/// copied behind it. So a head that fits a lease always is in one piece, and most are never copied.
struct RequestInput: ~Copyable {
    private var lease: PooledBuffer?
    /// Where the unread bytes begin: in the first lease, in the next one.
    private var start = 0
    private var nextStart = 0
    private var rest = LeaseQueues.Queue()

    /// Adds what came in.
    mutating func append(_ newLease: consuming PooledBuffer, _ queues: inout LeaseQueues) {
        if isEmpty {
            lease = consume newLease
            start = 0
        } else {
            queues.push(newLease, to: &rest)
        }
    }

    var isEmpty: Bool {
        switch lease {
        case .none: true
        case .some: false
        }
    }

    /// Calls `body` with the unread bytes of the first lease; with none, when there is none.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        switch lease {
        case .none: body(RawSpan())
        case .some(let lease): body(lease.bytes.extracting(start..<lease.count))
        }
    }

    /// Puts more of what follows into the first lease. - Returns: how many leases were read to their end by that; nil when
    /// there was nothing to put, or no room.
    mutating func gather(_ queues: inout LeaseQueues) -> Int? {
        guard !rest.isEmpty, var first = takeFirst(), let next = queues.pop(from: &rest) else { return nil }
        let kept = first.count - start
        // SAFETY: both places are within the written bytes.
        unsafe memmove(first.baseAddress, first.baseAddress + start, kept)
        first.truncate(to: kept)
        start = 0
        let count = min(first.capacity - kept, next.count - nextStart)
        // SAFETY: they are written bytes.
        unsafe first.append(
            copying: UnsafeRawBufferPointer(start: next.baseAddress + nextStart, count: count).bytes)
        lease = consume first
        nextStart += count
        if nextStart == next.count {
            nextStart = 0
            return 1
        }
        queues.pushFirst(next, to: &rest)
        return count > 0 ? 0 : nil
    }

    /// The first bytes were read. - Returns: how many leases were read to their end by that.
    mutating func consume(byteCount: Int, _ queues: inout LeaseQueues) -> Int {
        guard let first = takeFirst() else { preconditionFailure("only what is there is read") }
        start += byteCount
        guard start == first.count else {
            lease = consume first
            return 0
        }
        lease = queues.pop(from: &rest)
        (start, nextStart) = (nextStart, 0)
        return 1
    }

    private mutating func takeFirst() -> PooledBuffer? { lease.take() }

    /// Drops everything. - Returns: how many leases there were.
    mutating func removeAll(_ queues: inout LeaseQueues) -> Int {
        var count = isEmpty ? 0 : 1
        lease = nil
        while let next = queues.pop(from: &rest) {
            _ = consume next
            count += 1
        }
        (start, nextStart) = (0, 0)
        return count
    }
}
