import ZeroPool

/// A lease in a class, since leases do not go into arrays.
final class LeaseBox {
    private var lease: PooledBuffer?

    init(_ lease: consuming PooledBuffer) { self.lease = consume lease }

    /// Takes the lease out: once.
    func take() -> PooledBuffer {
        guard let lease = lease.take() else { preconditionFailure("the lease was taken before") }
        return lease
    }

    var byteCount: Int { lease?.count ?? 0 }

    /// Writes what the connection's peer sends from `offset` on.
    func fill(_ connection: Int, from offset: Int, byteCount: Int) {
        guard var lease = lease.take() else { preconditionFailure("the lease was taken before") }
        unsafe lease.withUnsafeMutableBytes { bytes in
            StreamPattern.copy(
                connection, from: offset, to: UnsafeMutableRawBufferPointer(rebasing: bytes[..<byteCount]))
        }
        unsafe lease.setCount(byteCount)
        self.lease = consume lease
    }

    /// Writes bytes behind the others.
    func append(_ bytes: some Collection<UInt8>) {
        guard var lease = lease.take() else { preconditionFailure("the lease was taken before") }
        lease.append(copying: Array(bytes).span.bytes)
        self.lease = consume lease
    }

    /// The bytes `range` of the lease.
    func bytes(_ range: Range<Int>) -> [UInt8] {
        guard let start = unsafe lease?.baseAddress else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count))
    }

    /// Whether the bytes `range` of the lease are what the connection's peer sent from `offset` on.
    func holds(_ connection: Int, from offset: Int, range: Range<Int>) -> Bool {
        guard let start = unsafe lease?.baseAddress else { return false }
        return unsafe StreamPattern.matches(
            connection, from: offset, UnsafeRawBufferPointer(start: start + range.lowerBound, count: range.count))
    }
}
