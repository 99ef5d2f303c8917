internal import ZeroPool

/// The operations in flight, with what the kernel uses for them: a lease, or operands.
///
/// - A slot is free exactly if its kind is `.free`; then it has neither. The free slots are a list through `nextFree`.
/// - A token names a slot and the generation that it had when the operation began; it is good until the operation ends.
struct InFlightTable: ~Copyable {
    enum Kind: UInt8 {
        case free
        /// It has a lease, which comes back as it was.
        case lease
        /// It has a lease, and writes behind its bytes: they grow by what it returns.
        case filledLease
        /// It has operands at most, which end with it.
        case operands
        /// The same; its result is a descriptor.
        case open
        /// Its operands hold a `struct statx`, for who asked.
        case status
        /// With operands in which the kernel writes a slot of the file table.
        case fileSlot
    }

    struct Slot: ~Copyable {
        var lease: PooledBuffer?
        var operands: Operands?
        var context: UInt64 = 0
        var nextFree: UInt32
        var generation: UInt16 = 0
        var kind = Kind.free

        init(nextFree: UInt32) {
            lease = nil
            operands = nil
            self.nextFree = nextFree
        }
    }

    static let indexBitCount: UInt64 = 24
    static let tokenBitCount: UInt64 = 40
    static let tokenMask: UInt64 = (1 << tokenBitCount) - 1
    /// The index that no slot has: ends the free list, and marks operations without a slot.
    static let noIndex: UInt32 = (1 << 24) - 1

    var slots = Slab<Slot> { _ in Slot(nextFree: noIndex) }
    private var firstFree: UInt32 = noIndex
    /// How many operations the table holds.
    private(set) var count = 0

    deinit { assert(count == 0, "the kernel may still use what is in flight") }

    /// Keeps `lease` until `removeLease`; the token tells where.
    @inline(__always)
    mutating func insert(_ lease: consuming PooledBuffer, context: UInt64, kind: Kind) -> UInt64 {
        let index = takeFreeIndex()
        slots[index].lease = consume lease
        return occupy(index, context: context, kind: kind)
    }

    /// Keeps `operands` until `removeOperands`.
    @inline(never)
    mutating func insert(_ operands: consuming Operands?, context: UInt64, kind: Kind) -> UInt64 {
        let index = takeFreeIndex()
        slots[index].operands = consume operands
        return occupy(index, context: context, kind: kind)
    }

    @inline(__always)
    private mutating func takeFreeIndex() -> Int {
        if Int(firstFree) >= slots.count { grow() }
        let index = Int(firstFree)
        firstFree = slots[index].nextFree
        return index
    }

    @inline(__always)
    private mutating func occupy(_ index: Int, context: UInt64, kind: Kind) -> UInt64 {
        slots[index].context = context
        slots[index].kind = kind
        count &+= 1
        return UInt64(slots[index].generation) << Self.indexBitCount | UInt64(index)
    }

    /// The index of the slot of `token`; nil when no operation runs under that token.
    @inline(__always)
    func index(of token: UInt64) -> Int? {
        let index = Int(UInt32(truncatingIfNeeded: token) & Self.noIndex)
        guard index < slots.count,
            slots[index].generation == UInt16(truncatingIfNeeded: token >> Self.indexBitCount),
            slots[index].kind != .free
        else { return nil }
        return index
    }

    /// Takes the lease out of a slot, which is free from then on.
    @inline(__always)
    mutating func removeLease(at index: Int) -> PooledBuffer? {
        free(index)
        return slots[index].lease.take()
    }

    /// Takes the operands out of a slot, which is free from then on.
    mutating func removeOperands(at index: Int) -> Operands? {
        free(index)
        return slots[index].operands.take()
    }

    @inline(__always)
    private mutating func free(_ index: Int) {
        slots[index].kind = .free
        slots[index].generation &+= 1
        slots[index].nextFree = firstFree
        firstFree = UInt32(truncatingIfNeeded: index)
        count &-= 1
    }

    /// Calls `body` with the token of every operation in the table.
    func forEachToken(_ body: (UInt64) -> Void) {
        for index in 0..<slots.count where slots[index].kind != .free {
            body(UInt64(slots[index].generation) << Self.indexBitCount | UInt64(index))
        }
    }

    @inline(never)
    private mutating func grow() {
        let smaller = slots.count
        let larger = max(256, smaller * 2)
        precondition(larger < Int(Self.noIndex), "more than eight million operations in flight")
        // The lowest index comes first, so that few operations use few cache lines.
        slots.grow(to: larger) { index in
            Slot(nextFree: index + 1 < larger ? UInt32(index + 1) : Self.noIndex)
        }
        firstFree = UInt32(smaller)
    }
}

extension RingPool {
    /// The parts of a ring that belong to a ``RingPool``: what a host program grants it.
    ///
    /// On a ring that it shares with a host program, each of these spaces is divided by agreement, and this is the
    /// agreement:
    ///
    /// - **Buffer table.** The host registers a sparse table (`io_uring_register_buffers_sparse`) of at least
    ///   `bufferSlots.upperBound` slots, and leaves `bufferSlots` alone. Arena number *i* of the shard stands in slot
    ///   `bufferSlots.lowerBound + i`; arenas past the end of the range stay plain memory.
    /// - **Buffer groups.** The host provides no buffers under the ids in `bufferGroups`.
    /// - **User data.** A completion is the pool's exactly if `userData & userDataMask == userDataValue`. The host gives
    ///   its own operations other user data. The low 40 bits stay free of the mask: 24 for the operation's number,
    ///   16 for a generation.
    ///   A host that gives one the pool's user data all the same makes the pool hand out a lease that the kernel still
    ///   uses; operations through ``Ring`` trap instead.
    /// - **Completions.** The host reaps, and hands each completion that is the pool's to ``RingPool/complete(_:)``,
    ///   once, before it closes the pool.
    public struct Reservation: Sendable {
        /// Slots of the ring's table of registered buffers.
        public var bufferSlots: Range<UInt32>
        /// Ids of buffer groups.
        public var bufferGroups: Range<UInt16>
        /// The bits of the user data that tell whose an operation is.
        public var userDataMask: UInt64
        /// The value of these bits in the pool's operations.
        public var userDataValue: UInt64
        /// Whether the pool registers the buffer table, of `bufferSlots.upperBound` slots, and unregisters it.
        public var ownsBufferTable: Bool

        /// A part of a ring whose host has registered the buffer table.
        ///
        /// Traps unless the low 40 bits of `userDataMask` are 0, `userDataValue` lies within the mask, and `bufferSlots`
        /// ends at 16,384 at most.
        public init(
            bufferSlots: Range<UInt32>, bufferGroups: Range<UInt16>, userDataMask: UInt64, userDataValue: UInt64,
            ownsBufferTable: Bool = false
        ) {
            precondition(userDataMask & InFlightTable.tokenMask == 0, "the low 40 bits of user data must be free")
            precondition(userDataMask != 0 && userDataValue & ~userDataMask == 0, "the value must lie in the mask")
            precondition(bufferSlots.upperBound <= 16384, "a buffer table has at most 16,384 slots")
            self.bufferSlots = bufferSlots
            self.bufferGroups = bufferGroups
            self.userDataMask = userDataMask
            self.userDataValue = userDataValue
            self.ownsBufferTable = ownsBufferTable
        }

        /// All buffer slots and groups of a ring, and user data from 2⁶³ up. The rest of the program uses user data below
        /// 2⁶³.
        public static let wholeRing = Reservation(
            bufferSlots: 0..<16384, bufferGroups: 0..<UInt16.max, userDataMask: 1 << 63, userDataValue: 1 << 63,
            ownsBufferTable: true)
    }
}
