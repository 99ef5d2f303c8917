import Synchronization

extension PooledBuffer {
    /// Turns the lease into a pointer, for places that take only a pointer: a C callback's `void *`, or a ring's user
    /// data.
    ///
    /// The lease does not end. Exactly one `takeUnmanaged` of the same pointer must follow, or the pool loses the
    /// buffer. A program may not read through the pointer. It is aligned to 8 bytes, so its low three bits may hold
    /// marks; clear them before it is taken. Any thread. Cost: a few instructions, no lock.
    public consuming func passUnmanaged() -> UnsafeMutableRawPointer {
        unsafe precondition(!descriptor.pointee.isShare, "shares have one descriptor, which can't be passed for each")
        let (descriptor, base, count) = unsafe (descriptor, base, count)
        discard self
        // The descriptor of memory from `malloc` is shared by all of its class: this lease gets its own.
        let passed =
            unsafe descriptor.pointee.arena == nil
            ? AllocatedBuffers.makeDescriptor(like: descriptor, base: base) : descriptor
        unsafe passed.pointee.markPassed(count: count)
        return UnsafeMutableRawPointer(passed)
    }

    /// The lease that `passUnmanaged` turned into `pointer`, with its `count`.
    ///
    /// Unsafe: the pointer must come from `passUnmanaged` and be taken once, and the writes of the passing thread must
    /// be visible to this one. Traps, also in release builds, when the lease was already taken or never passed. It
    /// can't detect this if the buffer was passed again meanwhile, or if its memory has left the pool. Any thread.
    /// Cost: a few instructions, no lock.
    @unsafe
    public static func takeUnmanaged(_ pointer: UnsafeMutableRawPointer) -> PooledBuffer {
        guard unsafe Int(bitPattern: pointer) % MemoryLayout<BufferDescriptor>.alignment == 0 else {
            fatalError("ZeroPool: takeUnmanaged of a pointer that no passUnmanaged returned: its low bits are set")
        }
        let descriptor = unsafe pointer.assumingMemoryBound(to: BufferDescriptor.self)
        guard unsafe descriptor.pointee.isPassed else {
            fatalError("ZeroPool: takeUnmanaged of a lease that is not passed: it was taken before, or never passed")
        }
        let count = unsafe descriptor.pointee.markTaken()
        var buffer =
            unsafe descriptor.pointee.arena == nil
            ? AllocatedBuffers.take(descriptor) : PooledBuffer(descriptor, base: descriptor.pointee.base)
        buffer.count = count
        return buffer
    }
}

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
