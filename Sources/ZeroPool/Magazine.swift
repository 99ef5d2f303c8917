public import Synchronization

/// A thread's cached buffers of one class: a stack in whole cache lines, this header first, then the slots.
///
/// Only its thread pushes and pops. Other threads read `hitCount` (statistics) and clear `homeTag` (a closing pool, which
/// so sends late returns to the slow path at no cost to the fast one): these two are relaxed atomics, which are plain
/// loads and stores in machine code.
///
/// Invariants: `count <= limit`; every buffer's home tag is the magazine's, as long as that is not cleared.
@usableFromInline
@unsafe
struct Magazine: ~Copyable {
    @usableFromInline var count: UInt32 = 0
    /// 0 for classes that are not cached.
    @usableFromInline let limit: UInt32
    /// The pool and the shard whose buffers it takes; 0 takes none.
    @usableFromInline let homeTag: Atomic<UInt64>
    /// Gets served from here. The returns need no counter: conservation gives them.
    @usableFromInline let hitCount = Atomic<UInt64>(0)

    init(limit: Int, homeTag: UInt64) {
        unsafe self.limit = UInt32(limit)
        unsafe self.homeTag = Atomic(homeTag)
    }

    /// The header's size, before the slots.
    @usableFromInline static var headerByteCount: Int { @inlinable get { 24 } }

    /// A pool's and a shard's tag: bits 0–7 the shard, from 8 on the pool's generation, so that a late return never lands
    /// in the cache of a pool that has taken over the slot.
    static func homeTag(shard: Int, generation: UInt64) -> UInt64 { UInt64(shard) | generation << 8 }
}

@usableFromInline
typealias MagazinePointer = UnsafeMutablePointer<Magazine>

extension UnsafeMutablePointer where Pointee == Magazine {
    @usableFromInline
    var slots: UnsafeMutablePointer<UnsafeMutablePointer<BufferDescriptor>> {
        @inlinable @inline(__always)
        get {
            unsafe (UnsafeMutableRawPointer(self) + Magazine.headerByteCount)
                .assumingMemoryBound(to: UnsafeMutablePointer<BufferDescriptor>.self)
        }
    }

    /// The buffer last pushed, or nil when the magazine is empty.
    @inlinable @inline(__always)
    func pop() -> UnsafeMutablePointer<BufferDescriptor>? {
        // In full words, so that the index needs no extension.
        let (index, isEmpty) = unsafe UInt(pointee.count).subtractingReportingOverflow(1)
        guard !isEmpty else { return nil }
        unsafe pointee.count = UInt32(truncatingIfNeeded: index)
        return unsafe slots[Int(bitPattern: index)]
    }

    /// Adds a buffer at home here, or returns false when the magazine is full, or the empty one.
    @inlinable @inline(__always)
    func push(_ descriptor: UnsafeMutablePointer<BufferDescriptor>) -> Bool {
        let count = unsafe pointee.count
        guard unsafe count < pointee.limit else { return false }
        unsafe slots[Int(count)] = unsafe descriptor
        unsafe pointee.count = count &+ 1
        return true
    }

    /// Counts a get that was served from here: a single writer, so a load and a store.
    @inlinable @inline(__always)
    func countHit() {
        unsafe pointee.hitCount.store(pointee.hitCount.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
}
