/// Idle buffers side by side, from the oldest to the newest: the newest are taken, the oldest leave.
///
/// An array, not a list through the descriptors: a batch moves in one piece, and all that is written to a descriptor is
/// its mark. Guarded by the shard's lock. Invariant: a buffer is marked as idle while it is in here.
@safe
struct BufferStack {
    /// Those before `head` have left; they go when they are the greater part.
    private var buffers = unsafe ContiguousArray<DescriptorPointer>()
    private var head = 0

    var count: Int { unsafe buffers.count - head }
    var oldest: DescriptorPointer? { unsafe count > 0 ? buffers[head] : nil }

    mutating func insertNewest(_ descriptor: DescriptorPointer) {
        unsafe descriptor.pointee.isIdle = true
        unsafe buffers.append(descriptor)
    }

    /// Adds a batch whose last is the newest. Traps when one of it is idle already.
    @inline(__always)
    mutating func insertNewest(_ batch: UnsafeBufferPointer<DescriptorPointer>, idleSince: IdleClock.Tick) {
        for index in batch.indices {
            let descriptor = unsafe batch[index]
            guard unsafe !descriptor.pointee.isIdle else { IdleBuffers.trapReturnedTwice() }
            unsafe descriptor.pointee.isIdle = true
            unsafe descriptor.pointee.idleSince = idleSince
        }
        unsafe buffers.append(contentsOf: batch)
    }

    mutating func removeNewest() -> DescriptorPointer? {
        guard count > 0 else { return nil }
        let descriptor = unsafe buffers.removeLast()
        unsafe descriptor.pointee.isIdle = false
        dropGone()
        return unsafe descriptor
    }

    /// Moves the newest to `destination`, as many as there are, `limit` at most; the newest is the last there too.
    @inline(__always)
    mutating func moveNewest(_ limit: Int, to destination: UnsafeMutablePointer<DescriptorPointer>) -> Int {
        let moved = min(limit, count)
        let start = unsafe buffers.count - moved
        unsafe buffers.withUnsafeBufferPointer { buffers in
            for index in 0..<moved {
                let descriptor = unsafe buffers[start + index]
                unsafe descriptor.pointee.isIdle = false
                unsafe destination[index] = unsafe descriptor
            }
        }
        unsafe buffers.removeLast(moved)
        dropGone()
        return moved
    }

    mutating func removeOldest() -> DescriptorPointer? {
        guard let descriptor = unsafe oldest else { return nil }
        unsafe descriptor.pointee.isIdle = false
        head += 1
        dropGone()
        return unsafe descriptor
    }

    /// Takes out every buffer for which `condition` holds, into `leaving`: a walk over all.
    mutating func removeAll(where condition: (DescriptorPointer) -> Bool, into leaving: inout BufferChain) {
        var kept = unsafe ContiguousArray<DescriptorPointer>()
        for index in unsafe head..<buffers.count {
            let descriptor = unsafe buffers[index]
            if unsafe condition(descriptor) {
                unsafe descriptor.pointee.isIdle = false
                unsafe leaving.push(descriptor)
            } else {
                unsafe kept.append(descriptor)
            }
        }
        unsafe buffers = unsafe kept
        head = 0
    }

    /// Calls `body` with every buffer, the oldest first, until it returns false; whether it never did.
    func forEachFromOldest(_ body: (DescriptorPointer) -> Bool) -> Bool {
        for index in unsafe head..<buffers.count {
            let descriptor = unsafe buffers[index]
            guard unsafe body(descriptor) else { return false }
        }
        return true
    }

    private mutating func dropGone() {
        guard head > 32, unsafe head > buffers.count / 2 else { return }
        unsafe buffers.removeFirst(head)
        head = 0
    }
}
