internal import ZeroPool

extension RingPool {
    /// Whether a completion belongs to an operation of this pool.
    @inline(__always)
    public func isOurs(_ completion: Completion) -> Bool {
        let reservation = unsafe state.pointee.reservation
        return completion.userData & reservation.userDataMask == reservation.userDataValue
    }

    /// Takes a completion in. Nil when it is not of an operation of this pool that still runs.
    ///
    /// With the final completion the lease comes out. Pass each completion once.
    public func complete(_ completion: Completion) -> Completed? {
        guard isOurs(completion) else { return nil }
        let token = completion.userData & InFlightTable.tokenMask
        guard let slot = unsafe state.pointee.inFlight.slot(token) else { return nil }
        let context = unsafe slot.pointee.context
        guard completion.isFinal else {
            return Completed(lease: nil, context: context, completion: completion)
        }
        let fillsLease = unsafe slot.pointee.fillsLease
        var lease = unsafe state.pointee.inFlight.removeLease(from: slot)
        if fillsLease, completion.result > 0 {
            // SAFETY: the kernel wrote that many bytes behind the others.
            unsafe lease.setCount(lease.count + Int(completion.result))
        }
        return Completed(lease: lease, context: context, completion: completion)
    }
}
