import Glibc
import Synchronization

/// The pool that a Swift program writes for itself: a lock, and an array of idle memory for each power of two.
///
/// As fast as that gets: what it hands out is a plain struct, with no object a buffer, and it keeps all that comes back.
final class MutexPool: Sendable {
    private let idle = Mutex<[[Memory]]>(Array(repeating: [], count: Int.bitWidth))

    /// Memory of `1 << shift` bytes.
    @safe
    struct Memory: @unchecked Sendable {
        // SAFETY: whoever has the value has the memory to themselves; the pool hands it out once.
        let address: UnsafeMutableRawPointer
        let shift: Int
    }

    func get(_ byteCount: Int) -> Memory {
        let shift = Int.bitWidth - (byteCount - 1).leadingZeroBitCount
        if let memory = idle.withLock({ $0[shift].popLast() }) { return memory }
        guard let address = unsafe malloc(1 << shift) else { fatalError("malloc has no \(1 << shift) bytes") }
        return unsafe Memory(address: address, shift: shift)
    }

    func giveBack(_ memory: Memory) {
        idle.withLock { $0[memory.shift].append(memory) }
    }
}
