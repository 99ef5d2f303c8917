internal import ZeroPool

extension RingPool {
    /// Makes buffer group number `group` of the ring: `entryCount` entries (a power of two up to 32,768), of which up to
    /// `targetCount` (by default all) hold a buffer of `bufferByteCount` bytes.
    ///
    /// It is filled at once, as far as the pool gives. Traps when the group is not of the reservation.
    public func makeBufferRing(
        group: UInt16, entryCount: Int, bufferByteCount: Int, targetCount: Int? = nil
    ) throws(RingError) -> ProvidedBufferRing {
        try makeBufferRing(
            group: group, entryCount: entryCount, bufferByteCount: bufferByteCount, targetCount: targetCount,
            source: unsafe .pool(state.pointee.pool))
    }

    /// As above, with buffers from elsewhere: for comparisons.
    package func makeBufferRing(
        group: UInt16, entryCount: Int, bufferByteCount: Int, targetCount: Int? = nil, source: BufferSource
    ) throws(RingError) -> ProvidedBufferRing {
        precondition(unsafe state.pointee.reservation.bufferGroups.contains(group), "the buffer group is not reserved")
        return try unsafe ProvidedBufferRing(
            ring: state.pointee.ring, source: source, group: group, entryCount: entryCount,
            bufferByteCount: bufferByteCount, targetCount: targetCount ?? entryCount)
    }
}
