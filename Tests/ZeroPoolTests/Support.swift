import Glibc
@testable import ZeroPool

/// A lease in a class, since leases do not go into arrays.
final class LeaseBox: @unchecked Sendable {
    var buffer: PooledBuffer?

    init(_ buffer: consuming PooledBuffer) { self.buffer = consume buffer }

    /// The addresses that the buffer covers.
    var range: Range<UInt> {
        let start = UInt(bitPattern: unsafe buffer?.baseAddress)
        return start..<start + UInt(buffer?.capacity ?? 0)
    }

    var location: BufferLocation {
        guard let location = buffer?.location else { preconditionFailure("the lease has been returned") }
        return location
    }

    /// A copy of what is written.
    var bytes: [UInt8] {
        switch buffer {
        case .some(let buffer): [UInt8](copying: buffer)
        case .none: preconditionFailure("the lease has been returned")
        }
    }
}

/// Copies a lease bit by bit, as unsafe code may: then both end, and return the same buffer.
func duplicate(_ box: LeaseBox) -> LeaseBox {
    guard let buffer = box.buffer.take() else { preconditionFailure("the lease has been returned") }
    let memory = UnsafeMutablePointer<PooledBuffer>.allocate(capacity: 1)
    unsafe memory.initialize(to: buffer)
    let copy = UnsafeMutablePointer<PooledBuffer>.allocate(capacity: 1)
    unsafe UnsafeMutableRawPointer(copy).copyMemory(from: memory, byteCount: MemoryLayout<PooledBuffer>.size)
    box.buffer = unsafe memory.move()
    let duplicate = unsafe LeaseBox(copy.move())
    unsafe memory.deallocate()
    unsafe copy.deallocate()
    return duplicate
}

/// The memory of a lease, kept mapped by a reference to its arena, whatever becomes of the lease.
///
/// So a test reads what is in memory that is idle, back in its arena, or about to go to the system.
@safe
struct KeptArena: @unchecked Sendable {
    // SAFETY: Sendable, since the tests that share it wait for one another.
    private let arena: ArenaStorage
    private let start: UnsafeMutableRawPointer
    private let byteCount: Int

    /// Keeps the arena of the lease in `box`.
    init(of box: LeaseBox) {
        guard let descriptor = unsafe box.buffer?.descriptor else { preconditionFailure("the lease has been returned") }
        unsafe arena = descriptor.pointee.arena!.takeUnretainedValue()
        unsafe start = descriptor.pointee.base
        unsafe byteCount = descriptor.pointee.byteCount
    }

    /// The first byte of the memory.
    var address: UnsafeMutableRawPointer { unsafe start }

    /// The whole memory, to look into or to write to behind the lease's back.
    var memory: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: start, count: byteCount)
    }

    /// Writes `byte` into the whole memory.
    func fill(_ byte: UInt8) {
        unsafe _ = memset(start, Int32(byte), byteCount)
    }

    /// Whether the whole memory is `byte`.
    func isAll(_ byte: UInt8) -> Bool {
        // By the C library, which is fast in debug builds too.
        unsafe memory[0] == byte && memcmp(start, start + 1, byteCount - 1) == 0
    }
}

/// Opens once; who waits goes on then.
final class Gate: @unchecked Sendable {
    private let isOpen = Locked(false)

    func open() { isOpen.withLock { $0 = true } }

    func wait() { while !isOpen.withLock({ $0 }) { usleep(1000) } }
}
