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
