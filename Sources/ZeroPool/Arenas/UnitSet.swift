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
