/// Buffers on their way somewhere, linked through their descriptors: last in, first out.
@safe
struct BufferChain {
    private var head: DescriptorPointer?
    private(set) var count = 0

    mutating func push(_ descriptor: DescriptorPointer) {
        unsafe descriptor.pointee.next = unsafe head
        unsafe head = unsafe descriptor
        count += 1
    }

    mutating func pop() -> DescriptorPointer? {
        guard let descriptor = unsafe head else { return nil }
        unsafe head = unsafe descriptor.pointee.next
        count -= 1
        return unsafe descriptor
    }
}
