import Synchronization

/// The owner of memory that was a lease: it keeps its arena alive, and its memory is never handed out again.
///
/// For bytes that must not see another user, and for whom the pool's accounts would be wrong. When it ends, its part
/// goes back to the arena (or to the system, with the arena's last part), not to the idle buffers.
@safe
public struct DetachedBuffer: ~Copyable, @unchecked Sendable {
    // SAFETY: Sendable for the reason that a lease is.
    private let descriptor: DescriptorPointer
    private let base: UnsafeMutableRawPointer
    /// How many bytes, from the first, are written.
    public let count: Int

    init(descriptor: DescriptorPointer, base: UnsafeMutableRawPointer, count: Int) {
        unsafe self.descriptor = unsafe descriptor
        unsafe self.base = unsafe base
        self.count = count
    }

    deinit {
        guard let reference = unsafe descriptor.pointee.arena else {
            return unsafe AllocatedBuffers.free(descriptor, base)
        }
        let arena = unsafe reference.takeUnretainedValue()
        let core = arena.core
        unsafe core.memoryReturns(descriptor)
        switch arena.kind {
        case .pooled: unsafe core.shards[Int(descriptor.pointee.shardIndex)].discard(descriptor)
        case .transient(let shift):
            core.counters[shift: shift].transientDetachedEndCount.add(1, ordering: .relaxed)
            unsafe reference.release()
        }
    }

    /// As many bytes as the memory has.
    public var capacity: Int { unsafe descriptor.pointee.byteCount }

    /// The written bytes.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The whole memory. Unsafe: past `count` it shows what earlier users left; valid while the owner lives.
    @unsafe
    public var unsafeBytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: capacity)
    }
}
