internal import ZeroPool

/// The leases that the kernel uses, one a running operation.
///
/// - A slot is free exactly if its lease is nil; the free slots are a list through `nextFree`.
/// - A token names a slot and the generation that it had when the lease came in; it is good until the lease leaves.
@safe
struct InFlightTable: ~Copyable {
    struct Slot: ~Copyable {
        var lease: PooledBuffer?
        var context: UInt64 = 0
        var nextFree: UInt32
        var generation: UInt16 = 0
        /// The operation writes behind the lease's bytes: they grow by what it returns.
        var fillsLease = false

        init(nextFree: UInt32) {
            lease = nil
            self.nextFree = nextFree
        }
    }

    static let indexBitCount: UInt64 = 24
    static let tokenMask: UInt64 = (1 << 40) - 1
    /// The index that no slot has: ends the free list, and marks operations without a slot.
    static let noIndex: UInt32 = (1 << 24) - 1

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity: Int
    private var firstFree: UInt32 = noIndex
    /// How many leases the table holds.
    private(set) var count = 0

    init() {
        capacity = 0
        unsafe slots = .allocate(capacity: 0)
    }

    deinit {
        assert(count == 0, "the kernel may still use the leases in flight")
        unsafe slots.deinitialize(count: capacity)
        unsafe slots.deallocate()
    }

    /// Keeps `lease` until `removeLease`; the token tells where.
    mutating func insert(_ lease: consuming PooledBuffer, context: UInt64, fillsLease: Bool) -> UInt64 {
        if firstFree == Self.noIndex { grow() }
        let index = firstFree
        let slot = unsafe slots + Int(index)
        firstFree = unsafe slot.pointee.nextFree
        unsafe slot.pointee.lease = consume lease
        unsafe slot.pointee.context = context
        unsafe slot.pointee.fillsLease = fillsLease
        count &+= 1
        return unsafe UInt64(slot.pointee.generation) << Self.indexBitCount | UInt64(index)
    }

    /// The slot of `token`, valid until the next insertion; nil when no lease is out under that token.
    func slot(_ token: UInt64) -> UnsafeMutablePointer<Slot>? {
        let index = Int(UInt32(truncatingIfNeeded: token) & Self.noIndex)
        guard index < capacity else { return nil }
        let slot = unsafe slots + index
        guard unsafe slot.pointee.generation == UInt16(truncatingIfNeeded: token >> Self.indexBitCount) else {
            return nil
        }
        return unsafe slot.pointee.lease == nil ? nil : slot
    }

    /// Takes the lease out of a slot of this table, which is free from then on.
    mutating func removeLease(from slot: UnsafeMutablePointer<Slot>) -> PooledBuffer {
        let lease = unsafe slot.pointee.lease.take()!
        unsafe slot.pointee.generation &+= 1
        unsafe slot.pointee.nextFree = firstFree
        firstFree = unsafe UInt32(truncatingIfNeeded: slot - slots)
        count &-= 1
        return lease
    }

    /// Calls `body` with the token of every lease in the table.
    func forEachToken(_ body: (UInt64) -> Void) {
        for index in 0..<capacity {
            let slot = unsafe slots + index
            guard unsafe slot.pointee.lease != nil else { continue }
            body(unsafe UInt64(slot.pointee.generation) << Self.indexBitCount | UInt64(index))
        }
    }

    @inline(never)
    private mutating func grow() {
        let larger = max(256, capacity * 2)
        precondition(larger < Int(Self.noIndex), "more than eight million operations in flight")
        let grown = UnsafeMutablePointer<Slot>.allocate(capacity: larger)
        unsafe grown.moveInitialize(from: slots, count: capacity)
        unsafe slots.deallocate()
        unsafe slots = grown
        // The lowest index comes first, so that few operations use few cache lines.
        for index in (capacity..<larger).reversed() {
            unsafe (slots + index).initialize(to: Slot(nextFree: firstFree))
            firstFree = UInt32(index)
        }
        capacity = larger
    }
}
