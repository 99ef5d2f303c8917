import Glibc
import ZeroPool

/// The bytes of a connection that no request has taken: one lease that is being read, and at most one behind it.
///
/// A head that is not whole in the first lease is made whole there: what is left of it moves to the front, and what follows is
/// copied behind it. So a head that fits a lease is always in one piece, and most heads are never copied.
struct RequestInput: ~Copyable {
    private var lease: PooledBuffer?
    private var next: PooledBuffer?
    /// Where the unread bytes begin: in the first lease, in the next one.
    private var start = 0
    private var nextStart = 0

    var isEmpty: Bool { Self.isNone(lease) }

    /// Whether the next lease has to be gathered before another can be appended.
    var hasNext: Bool { !Self.isNone(next) }

    private static func isNone(_ lease: borrowing PooledBuffer?) -> Bool {
        switch lease {
        case .none: true
        case .some: false
        }
    }

    /// Adds what came in. Traps when `hasNext`.
    mutating func append(_ newLease: consuming PooledBuffer) {
        precondition(!hasNext, "a lease is gathered before the next comes")
        if isEmpty {
            lease = consume newLease
            start = 0
        } else {
            next = consume newLease
            nextStart = 0
        }
    }

    /// Calls `body` with the unread bytes of the first lease; with none when there is none.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        switch lease {
        case .none: body(RawSpan())
        case .some(let lease): body(lease.bytes.extracting(start..<lease.count))
        }
    }

    /// Moves bytes of the next lease into the first. - Returns: false when there were none, or no room.
    mutating func gather() -> Bool {
        guard hasNext, var first = lease.take(), let following = next.take() else { return false }
        let kept = first.count - start
        // SAFETY: both places are within the written bytes.
        _ = unsafe memmove(first.baseAddress, first.baseAddress + start, kept)
        first.truncate(to: kept)
        start = 0
        let count = min(first.capacity - kept, following.count - nextStart)
        // SAFETY: they are written bytes.
        unsafe first.append(
            copying: UnsafeRawBufferPointer(start: following.baseAddress + nextStart, count: count).bytes)
        lease = consume first
        nextStart += count
        if nextStart < following.count { next = consume following }
        return count > 0
    }

    /// The first bytes were read.
    mutating func consume(byteCount: Int) {
        guard let first = lease.take() else { preconditionFailure("only what is there is read") }
        start += byteCount
        if start < first.count {
            lease = consume first
        } else {
            lease = next.take()
            (start, nextStart) = (nextStart, 0)
        }
    }

    mutating func removeAll() {
        lease = nil
        next = nil
        (start, nextStart) = (0, 0)
    }
}
