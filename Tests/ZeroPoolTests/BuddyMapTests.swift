import TestSupport
import Testing
@testable import ZeroPool

@Suite("BuddyMap")
struct BuddyMapTests {
    @Test("hands out every unit once, lowest first")
    func takesEveryUnit() {
        var map = BuddyMap(maximumOrder: 9)
        for expected in 0..<512 { #expect(map.take(order: 0) == expected) }
        #expect(map.take(order: 0) == nil)
        #expect(!map.hasRoom(order: 0))
        #expect(map.freeUnitCount == 0)
    }

    @Test("merges what comes back, in any order, to the whole")
    func mergesToTheWhole() {
        var map = BuddyMap(maximumOrder: 5)
        let units = (0..<32).map { _ in map.take(order: 0)! }
        for unit in units.shuffled() { map.giveBack(unit: unit, order: 0) }
        #expect(map.isWhollyFree)
        #expect(map.take(order: 5) == 0)
    }

    @Test("refuses a block larger than itself")
    func refusesTooLarge() {
        var map = BuddyMap(maximumOrder: 3)
        #expect(map.take(order: 4) == nil)
    }

    @Test("random blocks never overlap and always add up", arguments: 0..<20)
    func randomBlocksNeverOverlap(round: Int) {
        var random = SeededGenerator.announced("BuddyMap", round)
        var map = BuddyMap(maximumOrder: 9)
        var owner = [Int?](repeating: nil, count: 512)
        var blocks: [(unit: Int, order: Int)] = []
        for step in 0..<2000 {
            if Bool.random(using: &random), let order = (0...9).randomElement(using: &random) {
                guard let unit = map.take(order: order) else {
                    #expect(!isAnyAlignedRunFree(owner, order: order), "room for order \(order), but refused")
                    continue
                }
                #expect(unit % (1 << order) == 0)
                for index in unit..<unit + 1 << order {
                    #expect(owner[index] == nil)
                    owner[index] = step
                }
                blocks.append((unit, order))
            } else if let index = blocks.indices.randomElement(using: &random) {
                let block = blocks.remove(at: index)
                for index in block.unit..<block.unit + 1 << block.order { owner[index] = nil }
                map.giveBack(unit: block.unit, order: block.order)
            }
            #expect(map.freeUnitCount == owner.count { $0 == nil })
        }
    }

    private func isAnyAlignedRunFree(_ owner: [Int?], order: Int) -> Bool {
        stride(from: 0, to: 512, by: 1 << order).contains { start in
            owner[start..<start + 1 << order].allSatisfy { $0 == nil }
        }
    }
}

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
