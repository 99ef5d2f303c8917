import Glibc

/// Words all over a stretch of memory, first and last included, that only its tenant knows.
struct MemoryPattern {
    private static let wordCount = 16

    let memory: UnsafeMutableRawBufferPointer
    let seed: UInt64

    func write() {
        for index in 0..<MemoryPattern.wordCount { word(index).pointee = value(index) }
    }

    /// Whether nobody has written over it.
    var isIntact: Bool { (0..<MemoryPattern.wordCount).allSatisfy { word($0).pointee == value($0) } }

    private func value(_ index: Int) -> UInt64 { (seed &+ UInt64(index)) &* 0x9e37_79b9_7f4a_7c15 | 1 }

    private func word(_ index: Int) -> UnsafeMutablePointer<UInt64> {
        let offset = (memory.count - 8) / (MemoryPattern.wordCount - 1) * index & ~7
        let isLast = index == MemoryPattern.wordCount - 1
        return (memory.baseAddress! + (isLast ? memory.count - 8 : offset)).assumingMemoryBound(to: UInt64.self)
    }
}

extension UnsafeMutableRawBufferPointer {
    /// Whether each byte is `byte`: by the C library, which is fast in debug builds too.
    func isAll(_ byte: UInt8) -> Bool {
        count == 0 || self[0] == byte && memcmp(baseAddress!, baseAddress! + 1, count - 1) == 0
    }

    /// Whether the first and the last page are mapped.
    var isMapped: Bool {
        var state: UInt8 = 0
        return mincore(baseAddress!, 4096, &state) == 0 && mincore(baseAddress! + count - 4096, 4096, &state) == 0
    }
}
