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
