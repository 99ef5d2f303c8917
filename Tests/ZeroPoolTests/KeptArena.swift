import Glibc

@testable import ZeroPool

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
