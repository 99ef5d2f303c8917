import Testing

@testable import ZeroPool

@Suite("UnitSet")
struct UnitSetTests {
    @Test("it has the units of the blocks that were added, and of no others", arguments: 0...9)
    func blocks(order: Int) {
        let count = 1 << order
        for unit in stride(from: 0, to: 512, by: count) {
            var set = UnitSet()
            set.insert(unit: unit, order: order)
            let found = (0..<512).filter { set.contains(unit: $0, order: 0) }
            #expect(found == Array(unit..<unit + count))
        }
    }

    @Test("it has a block when it has each unit of it", arguments: 0...9)
    func wholeBlocks(order: Int) {
        let block = 512 - 1 << order..<512
        for missing in block {
            var set = UnitSet()
            for unit in 0..<512 where unit != missing { set.insert(unit: unit, order: 0) }
            #expect(!set.contains(unit: block.lowerBound, order: order))
            set.insert(unit: missing, order: 0)
            #expect(set.contains(unit: block.lowerBound, order: order))
        }
    }
}
