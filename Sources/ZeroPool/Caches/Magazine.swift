public import CZeroPool
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

/// Where every thread has its magazine of one class of one pool: the thread's slot for the pool, and the place in the cache
/// that hangs there.
///
/// It names no thread and points nowhere, so it may be kept and used anywhere: a thread without a cache of the pool finds
/// the empty cache there, and a thread with a cache of a later pool finds magazines with another `homeTag`.
@usableFromInline
struct MagazinePlace: Sendable {
    /// The slot's distance from the thread pointer.
    @usableFromInline let slotOffset: Int32
    /// The magazine's distance from the start of the cache.
    @usableFromInline let magazineOffset: UInt32

    @inlinable @inline(__always)
    init(slotOffset: Int32, magazineOffset: UInt32) {
        self.slotOffset = slotOffset
        self.magazineOffset = magazineOffset
    }

    /// The calling thread's magazine there.
    @usableFromInline
    var magazine: MagazinePointer {
        @inlinable @inline(__always)
        get {
            unsafe (zeropool_load(Int64(slotOffset)) + Int(magazineOffset)).assumingMemoryBound(to: Magazine.self)
        }
    }

    /// The same, in a register of its own: see `zeropool_load_anew`.
    @usableFromInline
    var magazineAnew: MagazinePointer {
        @inlinable @inline(__always)
        get {
            unsafe (zeropool_load_anew(Int64(slotOffset)) + Int(magazineOffset)).assumingMemoryBound(to: Magazine.self)
        }
    }

    /// The buffer last returned to the calling thread's magazine here, counted as a get; nil when it is empty.
    @inlinable @inline(__always)
    func pop() -> UnsafeMutablePointer<BufferDescriptor>? {
        let magazine = unsafe magazine
        let hot = unsafe magazine.pointee.hot.load(ordering: .relaxed)
        guard _fastPath(hot != 0) else {
            let magazine = unsafe magazineAnew
            guard let descriptor = unsafe magazine.popFromSlots() else { return nil }
            unsafe magazine.countHit()
            return unsafe descriptor
        }
        unsafe magazine.pointee.hot.store(0, ordering: .relaxed)
        unsafe magazine.countHit()
        return unsafe UnsafeMutablePointer<BufferDescriptor>(bitPattern: hot)
    }

    /// Adds a buffer to the calling thread's magazine here, if that is its home; false when it is not, or the magazine is full.
    @inlinable @inline(__always)
    func push(_ descriptor: UnsafeMutablePointer<BufferDescriptor>) -> Bool {
        let magazine = unsafe magazine
        guard unsafe magazine.pointee.homeTag.load(ordering: .relaxed) == descriptor.pointee.homeTag else {
            return false
        }
        let hot = unsafe magazine.pointee.hot.load(ordering: .relaxed)
        guard _fastPath(hot == 0) else { return unsafe magazineAnew.push(descriptor, before: hot) }
        unsafe magazine.pointee.hot.store(UInt(bitPattern: descriptor), ordering: .relaxed)
        return true
    }
}

/// How a batch moves between a thread's cache and its shard: the shortest way, for when there is nothing else to do.
///
/// A burst of gets comes by here once in half a magazine. So it counts no references: a thread's cache keeps its pool's core,
/// and with it the shards, and only its thread ends it.
extension MagazinePlace {
    /// Fills the calling thread's magazine here, which is empty, from the thread's shard, and takes a buffer of it. The pool
    /// that made this place is alive.
    ///
    /// Nil when the thread has no cache yet, or the cache none of the class; when it has been called to do something else
    /// first; and when the shard has none idle of the class.
    func refill() -> DescriptorPointer? {
        let magazine = unsafe magazine
        let homeTag = unsafe magazine.pointee.homeTag.load(ordering: .relaxed)
        guard homeTag != 0, unsafe !cache.isCalled else { return nil }
        return unsafe cache.header.pointee.home._withUnsafeGuaranteedRef {
            unsafe $0.takeBatch(shift: Magazine.shift(ofHomeTag: homeTag), into: magazine)
        }
    }

    /// Takes a buffer into the calling thread's magazine here, half of which goes home for it if it is full.
    ///
    /// False when this is not its home, and when the cache has been called to do something else first.
    func makeRoomAndPush(_ descriptor: DescriptorPointer) -> Bool {
        let magazine = unsafe magazine
        let homeTag = unsafe magazine.pointee.homeTag.load(ordering: .relaxed)
        guard unsafe homeTag == descriptor.pointee.homeTag, unsafe !cache.isCalled else { return false }
        if unsafe magazine.push(descriptor) { return true }
        unsafe cache.header.pointee.home._withUnsafeGuaranteedRef { home in
            unsafe cache.spill(
                shift: Magazine.shift(ofHomeTag: homeTag), to: home, keeping: magazine.capacity / 2)
        }
        return unsafe magazine.push(descriptor)
    }

    /// The cache that the magazine is part of; the empty one where its tag is 0.
    private var cache: ThreadCache { unsafe ThreadCache(address: zeropool_load(Int64(slotOffset))) }
}

/// Where things stand in a thread cache: one magazine for each shift that a size can have.
///
/// Those below the smallest class are never reached; the header stands in their place. Those above the largest cached
/// class have room for nothing, so that the fast path compares no bounds.
struct CacheLayout {
    static let cacheLineByteCount = 64
    /// The magazines of shifts 1 to 11, sizes below a page, leave this much room and more.
    static let headerByteCount = 11 * cacheLineByteCount

    /// From one magazine to the next: header and slots, rounded up to whole cache lines.
    let magazineStride: Int
    /// The classes that are cached.
    let cachedShifts: Range<Int>

    init(tlsCacheSize: Int, cachedShifts: Range<Int>) {
        let byteCount = unsafe Magazine.headerByteCount + tlsCacheSize * MemoryLayout<UnsafeRawPointer>.stride
        let line = CacheLayout.cacheLineByteCount
        magazineStride = (byteCount + line - 1) / line * line
        self.cachedShifts = cachedShifts
    }

    /// All shifts that `SizeClass.shift` gives.
    static let allShifts = SizeClass.minimumShift..<65

    var byteCount: Int { magazineOffset(shift: CacheLayout.allShifts.upperBound) }

    /// By `SizeClass.magazineIndex`.
    func magazineOffset(shift: Int) -> Int { (shift - 1) * magazineStride }

    /// Whether the empty cache, which stands in for a missing one, is as long as a cache of this layout.
    var fits: Bool { byteCount <= Int(ZEROPOOL_CACHE_BYTE_LIMIT) }
}
