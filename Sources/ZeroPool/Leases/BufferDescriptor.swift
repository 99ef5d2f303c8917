/// What describes one buffer: a cache line outside its pages, so that an idle buffer's pages are never touched.
///
/// Descriptors are trivial and live in their arena's table from the arena's first to its last day. Invariants:
/// - Exactly one of these holds a buffer that has been carved: a lease, a thread's magazine, an outbox, a shard's
///   idle list, a ring. Only the holder touches the descriptor; handing over happens under a shard's lock or in
///   the way that the program hands over the lease.
/// - `next` is meaningful in a chain and in an idle list only, `previous` in the latter; while a lease is passed
///   unmanaged, both say so (`BufferDescriptor+Passing.swift`).
/// - It is one cache line at most.
@usableFromInline
@unsafe
struct BufferDescriptor {
    @usableFromInline let base: UnsafeMutableRawPointer
    /// Whose it is: the pool, the shard and the class, as a `Magazine` has them. All ones, which no magazine has, where each
    /// return takes the slow path: of what no magazine takes, and of pools that do something at each return.
    @usableFromInline let homeTag: UInt64
    /// Where threads have their magazines for it.
    let place: MagazinePlace
    var next: UnsafeMutablePointer<BufferDescriptor>?
    var previous: UnsafeMutablePointer<BufferDescriptor>?
    /// The arena that the buffer was carved from, which outlives all that is carved from it; nil for what `malloc` gave, and for
    /// shares.
    let arena: Unmanaged<ArenaStorage>?
    /// The class's shift; in an arena with a single buffer the arena's size counts instead.
    @usableFromInline var shift: UInt8
    /// Set where the arena holds this one buffer only, whose size may then be other than a power of two.
    @usableFromInline let isWholeArena: Bool
    /// Whether it stands in an idle list: only to catch who returns a buffer twice.
    var isIdle: Bool
    /// Whether it stands for the shares of a buffer whose own descriptor is another (`SharedBuffer`).
    let isShare: Bool
    let shardIndex: UInt16
    let arenaIndex: UInt16
    /// How often an idle one was taken again, up to `ClockPro.maximumAccessCount`, less what the clock's hand took: above 0
    /// it is hot. By the policy `.lifo` always 0.
    var accessCount: UInt8 = 0
    /// When it last came home to its shard, or was last used before that. Meaningful in an idle list only.
    var idleSince: IdleClock.Tick = 0

    /// As many bytes as the buffer has.
    var byteCount: Int {
        guard unsafe isWholeArena, let arena = unsafe arena else { return unsafe 1 << Int(shift) }
        return unsafe arena._withUnsafeGuaranteedRef { $0.byteCount }
    }

    init(base: UnsafeMutableRawPointer, arena: ArenaStorage, shift: Int) {
        unsafe self.base = base
        unsafe self.homeTag =
            arena.core.watchesReturns
            ? Magazine.noHomeTag : arena.core.homeTag(shard: arena.shard.index, shift: shift)
        unsafe self.place = MagazinePlace(
            slotOffset: arena.core.slotOffset,
            magazineOffset: UInt32(arena.core.layout.magazineOffset(shift: shift)))
        unsafe self.next = nil
        unsafe self.previous = nil
        unsafe self.arena = Unmanaged.passUnretained(arena)
        unsafe self.shift = UInt8(shift)
        unsafe self.isWholeArena = arena.isSingleBuffer
        unsafe self.isIdle = false
        unsafe self.isShare = false
        unsafe self.shardIndex = UInt16(arena.shard.index)
        unsafe self.arenaIndex = UInt16(truncatingIfNeeded: arena.index)
    }

    /// The whole memory.
    var memory: UnsafeMutableRawBufferPointer {
        unsafe UnsafeMutableRawBufferPointer(start: base, count: byteCount)
    }

    /// Whether the memory that it described has left its pool; only debugging pools keep such descriptors.
    var isDeparted: Bool { unsafe arena == nil && shift == 0 }

    /// Describes memory that has left its pool.
    init(departed base: UnsafeMutableRawPointer) { unsafe self.init(allocatedShift: 0, base: base) }

    /// Describes memory from `malloc`, which has neither arena nor shard.
    init(allocatedShift shift: Int, base: UnsafeMutableRawPointer) {
        unsafe self.init(base: base, shift: UInt8(shift), isShare: false, shardIndex: .max, arenaIndex: .max)
    }

    /// Describes the shares of a lease: its memory, and where that may be registered.
    init(sharing lease: borrowing PooledBuffer) {
        let original = unsafe lease.descriptor
        unsafe self.init(
            base: lease.base, shift: original.pointee.shift, isShare: true, shardIndex: original.pointee.shardIndex,
            arenaIndex: original.pointee.arenaIndex)
    }

    /// Describes what no arena counts and no magazine takes.
    private init(base: UnsafeMutableRawPointer, shift: UInt8, isShare: Bool, shardIndex: UInt16, arenaIndex: UInt16) {
        unsafe self.base = base
        unsafe self.homeTag = unsafe Magazine.noHomeTag
        unsafe self.place = MagazinePlace(slotOffset: PoolSlots.uncachedSlotOffset, magazineOffset: 0)
        unsafe self.next = nil
        unsafe self.previous = nil
        unsafe self.arena = nil
        unsafe self.shift = shift
        unsafe self.isWholeArena = false
        unsafe self.isIdle = false
        unsafe self.isShare = isShare
        unsafe self.shardIndex = shardIndex
        unsafe self.arenaIndex = arenaIndex
    }
}

typealias DescriptorPointer = UnsafeMutablePointer<BufferDescriptor>

/// The state of a lease that is passed as a bare pointer.
///
/// It needs no field of its own: a buffer that is out is in no list, so its links are free to hold a mark and the count.
extension BufferDescriptor {
    /// No descriptor's address: it is odd, and in no program's address space.
    private static var passedMark: DescriptorPointer? { unsafe DescriptorPointer(bitPattern: 0x7061_7373_6564_2031) }

    /// Whether a lease of the buffer was passed and not yet taken.
    var isPassed: Bool { unsafe next == BufferDescriptor.passedMark }

    /// Notes that a lease with `count` written bytes is passed.
    mutating func markPassed(count: Int) {
        unsafe next = unsafe BufferDescriptor.passedMark
        unsafe previous = unsafe DescriptorPointer(bitPattern: count)
    }

    /// Notes that the passed lease is taken; its count of written bytes.
    mutating func markTaken() -> Int {
        let count = unsafe Int(bitPattern: previous)
        unsafe next = nil
        unsafe previous = nil
        return count
    }
}

/// Buffers on their way somewhere, linked through their descriptors: last in, first out.
@safe
struct BufferChain {
    private var head: DescriptorPointer?
    private(set) var count = 0

    mutating func push(_ descriptor: DescriptorPointer) {
        unsafe descriptor.pointee.next = unsafe head
        unsafe head = unsafe descriptor
        count += 1
    }

    mutating func pop() -> DescriptorPointer? {
        guard let descriptor = unsafe head else { return nil }
        unsafe head = unsafe descriptor.pointee.next
        count -= 1
        return unsafe descriptor
    }
}
