/// The written bytes of one lease, for many readers at once: each share is a lease of its own, and the buffer goes home when
/// the last of them has ended, and this.
///
/// For one thread, which is why no share costs an atomic operation: shares are made and end where the value was made and
/// ends. A debug build traps elsewhere. Nobody writes into a share; it can't be detached, nor passed unmanaged (traps).
///
/// Cost: one allocation for the whole; a share, about as much as a get and return that a magazine does not serve, no lock.
@safe
package struct SharedBuffer: ~Copyable {
    /// The shares' descriptor, and what stands behind it.
    @unsafe
    struct Record: ~Copyable {
        // Where the descriptor is, there the record is.
        var descriptor: BufferDescriptor
        var lease: PooledBuffer?
        /// Of shares, and of the value itself.
        var useCount = 1
        let threadOrdinal: Int
    }

    private let record: UnsafeMutablePointer<Record>
    /// As many bytes as each share has.
    package let count: Int

    /// Shares the bytes of `lease`. Its memory may be registered with a ring: its shares' is then, too.
    package init(_ lease: consuming PooledBuffer) {
        count = lease.count
        unsafe record = .allocate(capacity: 1)
        unsafe record.initialize(
            to: Record(
                descriptor: BufferDescriptor(sharing: lease), lease: consume lease,
                threadOrdinal: PoolSlots.currentThreadOrdinal))
    }

    deinit { unsafe SharedBuffer.endUse(record) }

    /// As many bytes as are kept from others.
    package var capacity: Int { unsafe record.pointee.descriptor.byteCount }

    /// One more lease of the bytes.
    package func share() -> PooledBuffer {
        unsafe assertThread(record)
        unsafe record.pointee.useCount += 1
        let descriptor = unsafe UnsafeMutableRawPointer(record).assumingMemoryBound(to: BufferDescriptor.self)
        var share = unsafe PooledBuffer(descriptor, base: descriptor.pointee.base)
        share.count = count
        return share
    }

    /// A share ends, whose descriptor that is.
    static func end(_ descriptor: DescriptorPointer) {
        unsafe endUse(UnsafeMutableRawPointer(descriptor).assumingMemoryBound(to: Record.self))
    }

    private static func endUse(_ record: UnsafeMutablePointer<Record>) {
        unsafe assertThread(record)
        unsafe record.pointee.useCount -= 1
        guard unsafe record.pointee.useCount == 0 else { return }
        unsafe record.deinitialize(count: 1)
        unsafe record.deallocate()
    }
}

private func assertThread(_ record: UnsafeMutablePointer<SharedBuffer.Record>) {
    assert(
        unsafe record.pointee.threadOrdinal == PoolSlots.currentThreadOrdinal,
        "shares are of the thread that shared the buffer")
}
