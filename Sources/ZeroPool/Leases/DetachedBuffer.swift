import Synchronization

extension PooledBuffer {
    /// Turns the lease into a pointer that goes where only pointers go: a C callback's `void *`, a ring's user data.
    ///
    /// The lease goes on, and nobody ends it: exactly one `takeUnmanaged` of the same pointer has to follow, or the buffer
    /// is lost to the pool. The pointer is to nothing that a program may read; it is aligned to 8 bytes, so that its low
    /// three bits are free for marks (cleared before it is taken). Any thread; a few instructions, no lock.
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
    /// Unsafe: the pointer has to come from there, be taken once, and what the passing thread wrote be visible to this one.
    /// Traps, with a message in release builds too, when the lease has been taken already or was never passed, as far as
    /// that can be known: not when the buffer has been passed again meanwhile, nor once its memory has left the pool.
    /// Any thread; a few instructions, no lock.
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
