/// The state of a lease that is passed as a bare pointer.
///
/// It needs no field of its own: a buffer that is out is in no list, so its links are free to hold a mark and the count.
extension BufferDescriptor {
    /// No descriptor's address: it is odd, and in no program's address space.
    private static var passedMark: DescriptorPointer? { unsafe DescriptorPointer(bitPattern: 0x7061_7373_6564_2031) }

    /// Whether a lease of the buffer was passed and not yet taken.
    var isPassed: Bool { unsafe next == BufferDescriptor.passedMark }

    /// Notes that a lease with `count` written bytes is passed.
    mutating func markPassed(count: Int) {
        unsafe next = unsafe BufferDescriptor.passedMark
        unsafe previous = unsafe DescriptorPointer(bitPattern: count)
    }

    /// Notes that the passed lease is taken; its count of written bytes.
    mutating func markTaken() -> Int {
        let count = unsafe Int(bitPattern: previous)
        unsafe next = nil
        unsafe previous = nil
        return count
    }
}
