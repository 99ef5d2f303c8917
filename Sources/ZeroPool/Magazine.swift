public import Synchronization

/// A thread's cached buffers of one class: a stack in whole cache lines, this header first, then the slots.
///
/// Only its thread pushes and pops. Other threads read `count` and `hitCount` (statistics) and set `limit` to 0 (a
/// closing pool, which so sends late returns to the slow path at no cost to the fast one): hence relaxed atomics,
/// which are plain loads and stores in machine code.
///
/// Invariants: `count <= capacity`, and `count <= limit` but for a moment after a close; every buffer's home is the
/// shard in `tag`.
@usableFromInline
@unsafe
struct Magazine: ~Copyable {
    @usableFromInline let count: Atomic<UInt32>
    @usableFromInline let limit: Atomic<UInt32>
    @usableFromInline var tag: LeaseTag
    /// Gets served from here. The returns need no counter: conservation gives them.
    @usableFromInline let hitCount: Atomic<UInt64>

    init(limit: Int, tag: LeaseTag) {
        unsafe count = Atomic(0)
        unsafe self.limit = Atomic(UInt32(limit))
        unsafe self.tag = tag
        unsafe hitCount = Atomic(0)
    }

    /// The header's size, before the slots.
    @usableFromInline static var headerByteCount: Int { @inlinable get { 24 } }
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
        let count = unsafe pointee.count.load(ordering: .relaxed)
        guard count != 0 else { return nil }
        unsafe pointee.count.store(count &- 1, ordering: .relaxed)
        return unsafe slots[Int(count &- 1)]
    }

    /// Adds a buffer, or returns false when the magazine is full (or closed, or the empty one).
    @inlinable @inline(__always)
    func push(_ descriptor: UnsafeMutablePointer<BufferDescriptor>) -> Bool {
        let count = unsafe pointee.count.load(ordering: .relaxed)
        guard unsafe count < pointee.limit.load(ordering: .relaxed) else { return false }
        unsafe slots[Int(count)] = unsafe descriptor
        unsafe pointee.count.store(count &+ 1, ordering: .relaxed)
        return true
    }

    /// Counts a get that was served from here: a single writer, so a load and a store.
    @inlinable @inline(__always)
    func countHit() {
        unsafe pointee.hitCount.store(pointee.hitCount.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }
}
