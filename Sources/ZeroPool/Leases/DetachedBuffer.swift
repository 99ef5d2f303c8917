import Synchronization

/// The owner of memory that was a lease and is never handed out again. It keeps its arena mapped.
///
/// Use it for bytes that no other user may see. When it ends, its part goes back to the arena, not to the idle buffers.
/// The last part of an arena takes the arena back to the system.
@safe
public struct DetachedBuffer: ~Copyable, @unchecked Sendable {
    // SAFETY: Sendable for the reason that a lease is.
    private let descriptor: DescriptorPointer
    private let base: UnsafeMutableRawPointer
    /// The number of written bytes, from the first.
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

    /// The size of the memory in bytes.
    public var capacity: Int { unsafe descriptor.pointee.byteCount }

    /// The written bytes.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The whole memory. Unsafe: past `count` it shows bytes of earlier users. Valid while the owner lives.
    @unsafe
    public var unsafeBytes: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: capacity)
    }
}
