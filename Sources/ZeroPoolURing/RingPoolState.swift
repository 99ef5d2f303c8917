internal import ZeroPool

/// What stands behind a ``RingPool``, at one address for its whole life.
@safe
struct RingPoolState: ~Copyable {
    let ring: Ring
    let pool: BufferPool
    let reservation: RingPool.Reservation
    /// Nil when nothing is registered, and after the end.
    var registry: UnsafeMutablePointer<ArenaRegistry>?
    /// As they were when the registry ended.
    var lastRegistrations = RingPool.Registrations()
    var inFlight = InFlightTable()
    var plainFallbackCount = 0
    var fixedOperationCount = 0
    var isClosed = false

    init(
        ring: consuming Ring, pool: BufferPool, reservation: RingPool.Reservation,
        registry: UnsafeMutablePointer<ArenaRegistry>?
    ) {
        self.ring = ring
        self.pool = pool
        self.reservation = reservation
        unsafe self.registry = registry
    }

    /// Keeps the lease; the result is the operation's user data.
    @inline(__always)
    mutating func admit(_ lease: consuming PooledBuffer, context: UInt64, fillsLease: Bool) -> UInt64 {
        precondition(!isClosed, "the pool's part in the ring has ended")
        return reservation.userDataValue | inFlight.insert(lease, context: context, fillsLease: fillsLease)
    }

    /// The buffer slot for a fixed operation; nil, and counted, when it has to be a plain one.
    @inline(__always)
    mutating func bufferIndex(of lease: borrowing PooledBuffer) -> UInt16? {
        guard let registry = unsafe registry else { return nil }
        let index = unsafe registry.pointee.bufferIndex(of: lease)
        if index == nil { plainFallbackCount &+= 1 } else { fixedOperationCount &+= 1 }
        return index
    }
}
