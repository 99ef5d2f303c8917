import ZeroPool

/// A lease in a class, since leases do not go into arrays.
final class LeaseBox: @unchecked Sendable {
    var buffer: PooledBuffer?

    init(_ buffer: consuming PooledBuffer) { self.buffer = consume buffer }

    /// The addresses that the buffer covers.
    var range: Range<UInt> {
        let start = UInt(bitPattern: unsafe buffer?.baseAddress)
        return start..<start + UInt(buffer?.capacity ?? 0)
    }

    var location: BufferLocation {
        guard let location = buffer?.location else { preconditionFailure("the lease has been returned") }
        return location
    }

    /// A copy of what is written.
    var bytes: [UInt8] {
        switch buffer {
        case .some(let buffer): [UInt8](copying: buffer)
        case .none: preconditionFailure("the lease has been returned")
        }
    }
}
