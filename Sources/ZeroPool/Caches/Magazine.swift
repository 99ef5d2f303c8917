public import Synchronization

/// A thread's cached buffers of one class, in whole cache lines: this header first, then the slots of a stack.
///
/// The buffer last returned waits in `hot`, in front of the stack: a get after a return then depends on one store, not
/// on a chain of stack counts, which halves its latency.
///
/// Only its thread pushes and pops. Other threads read `hitCount`, `count` and whether there is a `hot` one (statistics), and
/// clear `homeTag` (a closing pool, which so sends late returns to the slow path at no cost to the fast one): these are
/// relaxed atomics, which are plain loads and stores in machine code.
///
/// Invariants: `count <= limit`; a magazine without `homeTag` takes nothing; every buffer's home tag is the magazine's,
/// as long as that is not cleared, or `noHomeTag` when the pool watches returns.
@usableFromInline
@unsafe
struct Magazine: ~Copyable {
    /// The descriptor's address, or 0; as a number, since the optimizer forgets of optionals which case is the usual one.
    @usableFromInline let hot = Atomic<UInt>(0)
    /// The pool, the shard and the class whose buffers it takes; 0 takes none.
    @usableFromInline let homeTag: Atomic<UInt64>
    /// Gets served from here. The returns need no counter: conservation gives them.
    @usableFromInline let hitCount = Atomic<UInt64>(0)
    /// Buffers in the slots.
    @usableFromInline let count = Atomic<UInt32>(0)
    @usableFromInline let limit: UInt32

    /// A magazine of `capacity` buffers; none is for classes that are not cached.
    init(capacity: Int, homeTag: UInt64) {
        unsafe limit = UInt32(max(0, capacity - 1))
        unsafe self.homeTag = Atomic(capacity > 0 ? homeTag : 0)
    }

    /// The header's size, before the slots.
    @usableFromInline static var headerByteCount: Int { @inlinable get { 32 } }

    /// Bits 0–7 the shard, 8–15 the class's shift, from 16 on the pool's generation: a late return never lands in the cache
    /// of a pool that has taken over the slot, nor a buffer larger than was asked for among smaller ones.
    static func homeTag(shard: Int, shift: Int, generation: UInt64) -> UInt64 {
        UInt64(shard) | UInt64(shift) << 8 | generation << 16
    }

    /// The class that a tag names.
    static func shift(ofHomeTag homeTag: UInt64) -> Int { Int(homeTag >> 8 & 0xff) }

    /// The tag of buffers that no magazine takes by itself. Not 0: the empty cache's magazines have that.
    static var noHomeTag: UInt64 { .max }
}

@usableFromInline
typealias MagazinePointer = UnsafeMutablePointer<Magazine>

extension UnsafeMutablePointer where Pointee == Magazine {
    /// The buffer last pushed, or nil when the magazine is empty.
    func pop() -> UnsafeMutablePointer<BufferDescriptor>? {
        guard let hot = unsafe DescriptorPointer(bitPattern: pointee.hot.load(ordering: .relaxed)) else {
            return unsafe popFromSlots()
        }
        unsafe pointee.hot.store(0, ordering: .relaxed)
        return unsafe hot
    }

    /// Adds a buffer whose home is here; false when the magazine is full.
    func push(_ descriptor: UnsafeMutablePointer<BufferDescriptor>) -> Bool {
        let hot = unsafe pointee.hot.load(ordering: .relaxed)
        guard hot == 0 else { return unsafe push(descriptor, before: hot) }
        unsafe pointee.hot.store(UInt(bitPattern: descriptor), ordering: .relaxed)
        return true
    }

    @usableFromInline
    var slots: UnsafeMutablePointer<UnsafeMutablePointer<BufferDescriptor>> {
        @inlinable @inline(__always)
        get {
            unsafe (UnsafeMutableRawPointer(self) + Magazine.headerByteCount)
                .assumingMemoryBound(to: UnsafeMutablePointer<BufferDescriptor>.self)
        }
    }

    @inlinable @inline(__always)
    func popFromSlots() -> UnsafeMutablePointer<BufferDescriptor>? {
        let (index, isEmpty) = unsafe UInt(pointee.count.load(ordering: .relaxed)).subtractingReportingOverflow(1)
        guard !isEmpty else { return nil }
        unsafe pointee.count.store(UInt32(truncatingIfNeeded: index), ordering: .relaxed)
        return unsafe slots[Int(bitPattern: index)]
    }

    /// The newcomer is the hot one; its predecessor, `hot`, goes on the stack. False when that is full.
    @inlinable @inline(__always)
    func push(_ descriptor: UnsafeMutablePointer<BufferDescriptor>, before hot: UInt) -> Bool {
        let count = unsafe pointee.count.load(ordering: .relaxed)
        guard unsafe count < pointee.limit else { return false }
        unsafe slots[Int(count)] =
            unsafe UnsafeMutablePointer<BufferDescriptor>(bitPattern: hot).unsafelyUnwrapped
        unsafe pointee.count.store(count &+ 1, ordering: .relaxed)
        unsafe pointee.hot.store(UInt(bitPattern: descriptor), ordering: .relaxed)
        return true
    }

    /// The buffer that stands in the slots as the last of `count`, which another has filled; the others are kept.
    func keepAllButNewest(of count: Int) -> UnsafeMutablePointer<BufferDescriptor> {
        unsafe pointee.count.store(UInt32(count - 1), ordering: .relaxed)
        return unsafe slots[count - 1]
    }

    /// Takes out all but the newest `keeping`, the oldest first, for as long as `body` runs.
    func removeOldest(
        keeping: Int, _ body: (UnsafeBufferPointer<UnsafeMutablePointer<BufferDescriptor>>) -> Void
    ) {
        var count = unsafe Int(pointee.count.load(ordering: .relaxed))
        if let hot = unsafe DescriptorPointer(bitPattern: pointee.hot.load(ordering: .relaxed)) {
            // There is a slot for it, since `limit` is one less than there are.
            unsafe slots[count] = unsafe hot
            unsafe pointee.hot.store(0, ordering: .relaxed)
            count += 1
        }
        let leavingCount = max(0, count - keeping)
        if leavingCount > 0 { unsafe body(UnsafeBufferPointer(start: slots, count: leavingCount)) }
        unsafe slots.update(from: slots + leavingCount, count: count - leavingCount)
        unsafe pointee.count.store(UInt32(count - leavingCount), ordering: .relaxed)
    }

    /// Counts a get that was served from here: a single writer, so a load and a store.
    @inlinable @inline(__always)
    func countHit() {
        unsafe pointee.hitCount.store(pointee.hitCount.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    /// As many buffers as it holds at most: those in the slots and the hot one. Of a class that is cached.
    var capacity: Int { unsafe Int(pointee.limit) + 1 }

    /// How many buffers it holds: exact on its own thread, on others at most one beside the truth of a moment ago.
    var count: Int {
        unsafe Int(pointee.count.load(ordering: .relaxed)) + (pointee.hot.load(ordering: .relaxed) == 0 ? 0 : 1)
    }
}
