#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// Bytes that a debugging pool fills memory with, so that a mistake shows.
enum Poison: UInt8 {
    /// A fresh lease: what reads like this was never written.
    case fresh = 0xcd
    /// Returned memory: a pointer into it outlived the lease, or it is written to although nobody has it.
    case returned = 0xdb

    func fill(_ memory: UnsafeMutableRawBufferPointer) {
        guard let start = memory.baseAddress else { return }
        unsafe _ = memset(start, Int32(rawValue), memory.count)
    }

    /// The offset of the first byte that is not as `fill` left it.
    func firstChange(in memory: UnsafeMutableRawBufferPointer) -> Int? {
        guard let start = memory.baseAddress else { return nil }
        // One comparison of the memory with itself, a byte on: as fast as the C library.
        if unsafe memory[0] == rawValue, unsafe memcmp(start, start + 1, memory.count - 1) == 0 { return nil }
        return unsafe memory.firstIndex { $0 != rawValue }
    }
}
