import NIOCore

/// A fresh `ByteBuffer` of swift-nio for each use. Its allocator rounds up to powers of two, as the pool does.
struct ByteBufferContender: Contender {
    var buffer: ByteBuffer

    @inline(__always)
    static func get(_ byteCount: Int, from allocator: ByteBufferAllocator) -> ByteBufferContender {
        ByteBufferContender(buffer: allocator.buffer(capacity: byteCount))
    }

    @inline(__always)
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void) {
        unsafe buffer.withVeryUnsafeMutableBytes { unsafe body($0.baseAddress!) }
    }

    @inline(__always)
    consuming func giveBack(to allocator: ByteBufferAllocator) {}
}
