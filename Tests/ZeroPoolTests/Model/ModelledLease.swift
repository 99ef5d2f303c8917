import Glibc
@testable import ZeroPool

/// A lease in whatever state it is: held, passed as a pointer, or detached; and what its tenant wrote.
final class ModelledLease: @unchecked Sendable {
    // SAFETY: Sendable, since whoever has taken it from the others has it alone.
    let number: Int
    let range: Range<UInt>
    let location: BufferLocation
    /// The class that counts it: its capacity; for transient memory, the class that was asked for, 0 where there is none.
    let classByteCount: Int
    private let pattern: MemoryPattern
    private var lease: PooledBuffer?
    private var passed: UnsafeMutableRawPointer?
    private var detached: DetachedBuffer?

    init(_ buffer: consuming PooledBuffer, number: Int, askedClassByteCount: Int) {
        self.number = number
        let start = unsafe buffer.baseAddress
        let capacity = buffer.capacity
        range = UInt(bitPattern: start)..<UInt(bitPattern: start) + UInt(capacity)
        location = buffer.location
        classByteCount = location.arena < Arena.maximumCountPerShard ? capacity : askedClassByteCount
        pattern = MemoryPattern(
            memory: unsafe UnsafeMutableRawBufferPointer(start: start, count: capacity), seed: UInt64(number) << 8)
        lease = consume buffer
    }

    var byteCount: Int { range.count }
    var isTransient: Bool { location.arena >= Arena.maximumCountPerShard }
    var isDetached: Bool { detached != nil }
    var memory: UnsafeMutableRawBufferPointer { unsafe pattern.memory }
    /// As many bytes as are written, as the lease has it.
    var count: Int { lease?.count ?? detached?.count ?? 0 }

    func write() {
        pattern.write()
        unsafe lease?.setCount(writtenByteCount)
    }

    /// Whether nobody else wrote to it, and it still says how much its tenant wrote.
    var isIntact: Bool { pattern.isIntact && (passed != nil || count == writtenByteCount) }

    private var writtenByteCount: Int { number % byteCount }

    /// Turns a lease into a detached owner.
    func detach() {
        takeBack()
        guard let lease = lease.take() else { return }
        detached = lease.detach()
    }

    /// Turns a lease into a pointer.
    func pass() {
        guard let lease = lease.take() else { return }
        unsafe passed = lease.passUnmanaged()
    }

    /// Takes a passed lease back.
    func takeBack() {
        guard let pointer = unsafe passed else { return }
        unsafe passed = nil
        lease = unsafe PooledBuffer.takeUnmanaged(pointer)
    }

    /// Ends it, on the calling thread.
    func end() {
        takeBack()
        lease = nil
        detached = nil
    }
}

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
