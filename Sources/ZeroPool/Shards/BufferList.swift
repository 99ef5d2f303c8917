/// Idle buffers linked both ways through their descriptors, from the newest to the oldest.
///
/// Guarded by the shard's lock. `count` is the number of buffers; a buffer is in one list at most.
@safe
struct BufferList {
    private(set) var newest: DescriptorPointer?
    private(set) var oldest: DescriptorPointer?
    private(set) var count = 0

    mutating func insertNewest(_ descriptor: DescriptorPointer) {
        unsafe descriptor.pointee.isIdle = true
        unsafe descriptor.pointee.previous = nil
        unsafe descriptor.pointee.next = unsafe newest
        if let newest = unsafe newest {
            unsafe newest.pointee.previous = unsafe descriptor
        } else {
            unsafe oldest = unsafe descriptor
        }
        unsafe newest = unsafe descriptor
        count += 1
    }

    mutating func removeNewest() -> DescriptorPointer? {
        guard let descriptor = unsafe newest else { return nil }
        unsafe descriptor.pointee.isIdle = false
        unsafe newest = unsafe descriptor.pointee.next
        if let newest = unsafe newest {
            unsafe newest.pointee.previous = nil
        } else {
            unsafe oldest = nil
        }
        count -= 1
        return unsafe descriptor
    }

    mutating func remove(_ descriptor: DescriptorPointer) {
        unsafe descriptor.pointee.isIdle = false
        let (newer, older) = unsafe (descriptor.pointee.previous, descriptor.pointee.next)
        if let newer = unsafe newer {
            unsafe newer.pointee.next = unsafe older
        } else {
            unsafe newest = unsafe older
        }
        if let older = unsafe older {
            unsafe older.pointee.previous = unsafe newer
        } else {
            unsafe oldest = unsafe newer
        }
        count -= 1
    }
}
