import Glibc
import ZeroPool
import TestSupport

/// What peers send: bytes known by connection and offset, so that any of them can be checked by itself.
///
/// One table of random bytes, in which each connection begins at another place. Its length is prime and more than what a
/// peer has outstanding, so that bytes out of order, lost, doubled, or of another connection do not match.
enum StreamPattern {
    private static let period = 65_521

    // SAFETY: written once, before anybody else sees it; never freed.
    private nonisolated(unsafe) static let table: UnsafeMutablePointer<UInt8> = {
        let table = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * period)
        var generator = SeededGenerator(seed: 0x5eed)
        for index in 0..<period {
            table[index] = UInt8(truncatingIfNeeded: generator.next())
            table[index + period] = table[index]
        }
        return table
    }()

    private static func start(_ connection: Int, _ offset: Int) -> Int { (connection * 7919 + offset) % period }

    static func copy(_ connection: Int, from offset: Int, to bytes: UnsafeMutableRawBufferPointer) {
        var done = 0
        while done < bytes.count {
            let count = min(period, bytes.count - done)
            memcpy(bytes.baseAddress! + done, table + start(connection, offset + done), count)
            done += count
        }
    }

    static func matches(_ connection: Int, from offset: Int, _ bytes: UnsafeRawBufferPointer) -> Bool {
        var done = 0
        while done < bytes.count {
            let count = min(period, bytes.count - done)
            guard memcmp(bytes.baseAddress! + done, table + start(connection, offset + done), count) == 0 else {
                return false
            }
            done += count
        }
        return true
    }
}

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
