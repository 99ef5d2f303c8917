/// A stretch of memory from which a shard takes buffers. A ring registers it as one entry of its buffer table.
///
/// The value keeps nothing alive. The memory stays mapped while an observer of the shard holds the arena, or a buffer
/// is in use.
@safe
public struct Arena: @unchecked Sendable {
    // SAFETY: Sendable, since it is a number and a range of addresses, and gives no access to what is there.
    /// The arena's number in its shard: 0, 1, 2 … below 16,384. Reused only after the arena is gone.
    public let index: Int
    /// The address of the first byte, a multiple of 2 MiB.
    public let baseAddress: UnsafeMutableRawPointer
    /// The size in bytes: a multiple of 2 MiB, at most 1 GiB.
    public let byteCount: Int

    /// The most arenas of a shard, and the most entries of a ring's buffer table on current kernels: 16,384.
    public static let maximumCountPerShard = 16_384

    /// Whether the `byteCount` bytes at `address` are in this arena.
    public func contains(_ address: UnsafeRawPointer, byteCount: Int) -> Bool {
        let offset = unsafe address - UnsafeRawPointer(baseAddress)
        return offset >= 0 && byteCount <= self.byteCount - offset
    }
}

/// One mapping of a whole number of huge pages, and the table of descriptors of what is carved from it.
///
/// It belongs to one shard; all that changes is guarded by that shard's lock. Invariants:
/// - `space` and the carved buffers cover the arena exactly, without overlap.
/// - An arena is in its shard's table from its first to its last day; it goes when nothing is carved from it, nobody
///   holds it, and the shard has no use for it.
/// - It keeps its pool's core alive: a lease needs its arena, an arena its core, whatever became of the pool's handle.
@safe
final class ArenaStorage: @unchecked Sendable {
    /// Where an arena's memory comes from, and what becomes of what is returned to it.
    enum Kind {
        /// Carved into buffers, kept, observed.
        case pooled
        /// One buffer past the pool's limits, asked for in the class of `shift` or past all classes: gone with its return.
        case transient(shift: Int)
    }

    let kind: Kind
    let core: PoolCore
    let shard: Shard
    /// The place in the shard's table of arenas, and so in a ring's buffer table; -1 for transient arenas.
    let index: Int
    let base: UnsafeMutableRawPointer
    let byteCount: Int
    /// The smallest part that is carved: the pool's smallest class, or the whole arena.
    let unitShift: Int
    let isSingleBuffer: Bool
    let isPinned: Bool
    private let descriptors: DescriptorPointer

    // Guarded by the shard's lock from here on.
    var space: BuddyMap
    /// Observers (by bit) that have been told of the arena.
    var announced: UInt64 = 0
    /// Observers (by bit) without whose consent the arena may not go.
    var holders: UInt64 = 0
    /// Nothing is carved from it and the shard would let it go, but for its holders.
    var isLeaving = false
    /// Observers (by bit) that have consented while others have not: should it come into use again, they are told of it anew.
    var consented: UInt64 = 0
    /// What the shard's last look at its idle buffers found; meaningful until the lock is dropped.
    var sweep = Shard.Sweep()

    private init(
        kind: Kind, core: PoolCore, shard: Shard, index: Int, base: UnsafeMutableRawPointer, byteCount: Int,
        unitShift: Int?
    ) {
        self.kind = kind
        self.core = core
        self.shard = shard
        self.index = index
        unsafe self.base = base
        self.byteCount = byteCount
        self.isSingleBuffer = unitShift == nil
        self.unitShift = unitShift ?? byteCount.trailingZeroBitCount
        isPinned = unsafe core.configuration.pinnedMemory && SystemMemory.lock(base, byteCount: byteCount)
        let unitCount = unitShift.map { byteCount >> $0 } ?? 1
        space = BuddyMap(maximumOrder: unitCount.trailingZeroBitCount)
        unsafe descriptors = DescriptorPointer.allocate(capacity: unitCount)
        core.account(mapped: byteCount, pinned: isPinned ? byteCount : 0, kind)
    }

    /// Maps an arena for buffers of the class of `shift`; nil when the system refuses.
    ///
    /// Classes from a huge page up have an arena to themselves; smaller ones share arenas of one huge page.
    static func map(core: PoolCore, shard: Shard, index: Int, shift: Int) -> ArenaStorage? {
        let byteCount = byteCount(forShift: shift)
        guard
            let base = unsafe SystemMemory.map(
                byteCount: byteCount, hugePages: core.configuration.hugePages)
        else { return nil }
        let isShared = shift < SystemMemory.hugePageByteCount.trailingZeroBitCount
        return unsafe ArenaStorage(
            kind: .pooled, core: core, shard: shard, index: index, base: base, byteCount: byteCount,
            unitShift: isShared ? core.configuration.minimumShift : nil)
    }

    /// Maps an arena for one buffer of at least `byteCount` bytes, of the class of `shift` if it has one, that is gone when it
    /// is returned.
    static func mapTransient(core: PoolCore, shard: Shard, byteCount: Int, shift: Int) -> ArenaStorage? {
        let (sum, overflow) = byteCount.addingReportingOverflow(SystemMemory.hugePageByteCount - 1)
        guard !overflow else { return nil }
        let rounded = max(1, sum / SystemMemory.hugePageByteCount) * SystemMemory.hugePageByteCount
        guard
            let base = unsafe SystemMemory.map(
                byteCount: rounded, hugePages: core.configuration.hugePages)
        else { return nil }
        return unsafe ArenaStorage(
            kind: .transient(shift: shift), core: core, shard: shard, index: -1, base: base, byteCount: rounded,
            unitShift: nil)
    }

    /// The size of an arena for buffers of the class of `shift`.
    static func byteCount(forShift shift: Int) -> Int { max(SystemMemory.hugePageByteCount, 1 << shift) }

    deinit {
        if let ledger = core.ledger {
            unsafe DepartedDescriptors.keep(descriptors, count: isSingleBuffer ? 1 : space.unitCount, ledger: ledger)
        } else {
            unsafe descriptors.deallocate()
        }
        unsafe SystemMemory.unmap(base, byteCount: byteCount)
        core.account(mapped: -byteCount, pinned: isPinned ? -byteCount : 0, kind)
    }

    /// Carves a buffer of the class of `shift`, or nil when no part is large enough.
    func carve(shift: Int) -> DescriptorPointer? {
        guard let unit = space.take(order: isSingleBuffer ? 0 : shift - unitShift) else { return nil }
        let descriptor = unsafe descriptors + unit
        unsafe descriptor.initialize(
            to: BufferDescriptor(base: base + unit << unitShift, arena: self, shift: shift))
        return unsafe descriptor
    }

    /// Takes back a buffer that `carve` gave out.
    func uncarve(_ descriptor: DescriptorPointer) {
        let (unit, order) = unsafe block(of: descriptor)
        space.giveBack(unit: unit, order: order)
    }

    /// The units that a buffer carved from here has.
    func block(of descriptor: DescriptorPointer) -> (unit: Int, order: Int) {
        unsafe (descriptor - descriptors, isSingleBuffer ? 0 : Int(descriptor.pointee.shift) - unitShift)
    }

    /// The arena as its observers see it.
    var description: Arena { unsafe Arena(index: index, baseAddress: base, byteCount: byteCount) }
}
