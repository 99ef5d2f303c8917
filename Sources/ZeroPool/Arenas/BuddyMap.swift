/// Which parts of an arena are free: a binary buddy system over `1 << maximumOrder` units, 512 at most.
///
/// One bit a block, in words that stand in the order of their orders: so the lowest word that is not zero, from an order's
/// first word on, has the lowest block of the smallest order that fits. Nothing is searched, and nothing is allocated.
/// Invariants:
/// - a free block of order `k` starts at a multiple of `1 << k` units, and its bit is set in the words of order `k` alone;
/// - two free buddies never stand side by side (they are merged);
/// - `freeUnitCount` is the sum over all free blocks;
/// - bit `w` of `filledWords` is set while `words[w]` is not zero.
///
/// Source: D. Knuth, The Art of Computer Programming 1, 2.5.
struct BuddyMap {
    let maximumOrder: Int
    private(set) var freeUnitCount: Int
    /// 8 words of order 0, 4 of order 1, 2 of order 2, and one of each from 3 to 9.
    private var words = InlineArray<21, UInt64>(repeating: 0)
    private var filledWords: UInt32 = 0

    var unitCount: Int { 1 << maximumOrder }
    var isWhollyFree: Bool { freeUnitCount == unitCount }

    /// All units free, as one block.
    init(maximumOrder: Int) {
        precondition((0...9).contains(maximumOrder), "a buddy map has 1 to 512 units")
        self.maximumOrder = maximumOrder
        freeUnitCount = 1 << maximumOrder
        set(0, order: maximumOrder)
    }

    /// Whether a block of `order` can be taken.
    func hasRoom(order: Int) -> Bool {
        order <= maximumOrder && filledWords >> BuddyMap.firstWord(ofOrder: order) != 0
    }

    /// Takes the lowest free block of the smallest order that fits, splitting it down; its first unit, or nil.
    mutating func take(order: Int) -> Int? {
        guard hasRoom(order: order) else { return nil }
        let first = BuddyMap.firstWord(ofOrder: order)
        let word = first + (filledWords >> first).trailingZeroBitCount
        var current = BuddyMap.order(ofWord: word)
        var block = (word - BuddyMap.firstWord(ofOrder: current)) * 64 + words[word].trailingZeroBitCount
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

    /// The units that are free: a look at every block that could be.
    var freeUnits: UnitSet {
        var free = UnitSet()
        for order in 0...maximumOrder {
            for block in 0..<unitCount >> order where isFree(block, order: order) {
                free.insert(unit: block << order, order: order)
            }
        }
        return free
    }

    private func isFreeOrPartOfFree(_ block: Int, order: Int) -> Bool {
        (order...maximumOrder).contains { isFree(block >> ($0 - order), order: $0) }
    }

    private func isFree(_ block: Int, order: Int) -> Bool {
        words[BuddyMap.firstWord(ofOrder: order) + block / 64] >> (block % 64) & 1 == 1
    }

    private mutating func set(_ block: Int, order: Int) {
        let word = BuddyMap.firstWord(ofOrder: order) + block / 64
        words[word] |= 1 << (block % 64)
        filledWords |= 1 << word
    }

    private mutating func clear(_ block: Int, order: Int) {
        let word = BuddyMap.firstWord(ofOrder: order) + block / 64
        words[word] &= ~(1 << (block % 64))
        if words[word] == 0 { filledWords &= ~(1 << word) }
    }

    // MARK: Which words are of which order

    private static func firstWord(ofOrder order: Int) -> Int { order < 3 ? 16 - 16 >> order : 11 + order }

    private static func order(ofWord word: Int) -> Int {
        switch word {
        case ..<8: 0
        case ..<12: 1
        case ..<14: 2
        default: word - 11
        }
    }
}

/// A set of an arena's units, of which there are at most 512.
struct UnitSet {
    private var words = InlineArray<8, UInt64>(repeating: 0)

    /// Adds the units of a block: `1 << order` of them from `unit` on, a multiple of that.
    mutating func insert(unit: Int, order: Int) {
        if order >= 6 {
            for word in unit >> 6..<(unit + 1 << order) >> 6 { words[word] = .max }
        } else {
            words[unit >> 6] |= UnitSet.mask(unit: unit, order: order)
        }
    }

    /// Whether it has every unit of a block.
    func contains(unit: Int, order: Int) -> Bool {
        if order >= 6 { return (unit >> 6..<(unit + 1 << order) >> 6).allSatisfy { words[$0] == .max } }
        let mask = UnitSet.mask(unit: unit, order: order)
        return words[unit >> 6] & mask == mask
    }

    private static func mask(unit: Int, order: Int) -> UInt64 { ((1 << (1 << order)) - 1) << (unit & 63) }
}
