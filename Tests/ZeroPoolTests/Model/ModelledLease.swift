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
