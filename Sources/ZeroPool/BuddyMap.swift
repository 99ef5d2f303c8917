/// Which parts of an arena are free: a binary buddy system over `1 << maximumOrder` units.
///
/// Invariants: a free block of order `k` starts at a multiple of `1 << k` units and stands in `free[k]` alone; two free
/// buddies never stand side by side (they are merged); `freeUnitCount` is the sum over all free blocks.
/// Costs a scan of at most 8 words an order. Source: D. Knuth, The Art of Computer Programming 1, 2.5.
struct BuddyMap {
    let maximumOrder: Int
    private(set) var freeUnitCount: Int
    /// One bit a block, by order.
    private var free: [[UInt64]]
    /// Bit `k` is set while some block of order `k` is free.
    private var freeOrders: UInt32

    var unitCount: Int { 1 << maximumOrder }
    var isWhollyFree: Bool { freeUnitCount == unitCount }

    /// All units free, as one block.
    init(maximumOrder: Int) {
        self.maximumOrder = maximumOrder
        freeUnitCount = 1 << maximumOrder
        free = (0...maximumOrder).map { order in
            Array(repeating: 0, count: ((1 << (maximumOrder - order)) + 63) / 64)
        }
        free[maximumOrder][0] = 1
        freeOrders = 1 << maximumOrder
    }

    /// Whether a block of `order` can be taken.
    func hasRoom(order: Int) -> Bool { freeOrders >> order != 0 }

    /// Takes the lowest free block of the smallest order that fits, splitting it down; its first unit, or nil.
    mutating func take(order: Int) -> Int? {
        guard order <= maximumOrder, hasRoom(order: order) else { return nil }
        var current = order + (freeOrders >> order).trailingZeroBitCount
        var block = lowestFree(order: current)
        clear(block, order: current)
        while current > order {
            current -= 1
            block *= 2
            set(block + 1, order: current)
        }
        freeUnitCount -= 1 << order
        return block << order
    }

    /// Gives back what `take(order:)` returned; merges with free buddies. Traps when it is free already.
    mutating func giveBack(unit: Int, order: Int) {
        assert(unit & ((1 << order) - 1) == 0, "a block starts at a multiple of its size")
        var current = order
        var block = unit >> order
        // Of an order or of a larger one that it has been merged into: a slow path has the time to look.
        guard !isFreeOrPartOfFree(block, order: current) else { fatalError("ZeroPool: a buffer was returned twice") }
        freeUnitCount += 1 << order
        while current < maximumOrder, isFree(block ^ 1, order: current) {
            clear(block ^ 1, order: current)
            block >>= 1
            current += 1
        }
        set(block, order: current)
    }

    private func isFree(_ block: Int, order: Int) -> Bool { free[order][block / 64] >> (block % 64) & 1 == 1 }

    private func isFreeOrPartOfFree(_ block: Int, order: Int) -> Bool {
        (order...maximumOrder).contains { isFree(block >> ($0 - order), order: $0) }
    }

    private func lowestFree(order: Int) -> Int {
        for (word, bits) in free[order].enumerated() where bits != 0 {
            return word * 64 + bits.trailingZeroBitCount
        }
        preconditionFailure("BuddyMap: freeOrders names an order without a free block")
    }

    private mutating func set(_ block: Int, order: Int) {
        free[order][block / 64] |= 1 << (block % 64)
        freeOrders |= 1 << order
    }

    private mutating func clear(_ block: Int, order: Int) {
        free[order][block / 64] &= ~(1 << (block % 64))
        if free[order].allSatisfy({ $0 == 0 }) { freeOrders &= ~(1 << order) }
    }
}
