import Testing

@testable import ZeroPoolReactor

@Suite("BufferDemand")
struct BufferDemandTests {
    private func turn(_ demand: inout BufferDemand, count: Int = 1, available: Int) {
        for _ in 0..<count { demand.turned(available: available) }
    }

    @Test("doubles with each turn in which a receive found no buffer, up to the maximum")
    func doubles() {
        var demand = BufferDemand()
        #expect(demand.target == BufferDemand.minimum)
        demand.starved()
        demand.starved()
        turn(&demand, available: 0)
        #expect(demand.target == 2 * BufferDemand.minimum)
        turn(&demand, available: 5)
        #expect(demand.target == 2 * BufferDemand.minimum)
        for _ in 0..<20 {
            demand.starved()
            turn(&demand, available: 0)
        }
        #expect(demand.target == BufferDemand.maximum)
    }

    @Test("halves after a long time in which less than half was in use, down to the minimum")
    func halves() {
        var demand = BufferDemand()
        for _ in 0..<2 {
            demand.starved()
            turn(&demand, available: 0)
        }
        let grown = demand.target
        turn(&demand, count: 100_000, available: grown / 2)
        #expect(demand.target == grown, "half of it was in use")
        turn(&demand, count: 5000, available: grown - 1)
        turn(&demand, count: 5000, available: grown - 1)
        #expect(demand.target < grown)
        turn(&demand, count: 100_000, available: grown)
        #expect(demand.target == BufferDemand.minimum)
    }
}

@Suite("Scarcity")
struct ScarcityTests {
    private func next(_ scarcity: inout Scarcity, turn: Int, unserved: Int) -> Int? {
        scarcity.turned(unservedCount: unserved)
        return scarcity.tick(turn: turn)
    }

    @Test("a history tells the turn of eight ticks ago")
    func history() {
        var history = TurnHistory()
        for tick in 0..<8 { #expect(history.tick(turn: tick * 10) == nil) }
        for tick in 8..<100 { #expect(history.tick(turn: tick * 10) == (tick - 8) * 10) }
    }

    @Test("nobody counts as stalled before the stall time is over")
    func patience() {
        var scarcity = Scarcity()
        for tick in 0..<8 { #expect(next(&scarcity, turn: 100 + tick, unserved: 3) == nil) }
        #expect(next(&scarcity, turn: 108, unserved: 1) == 100)
    }

    @Test("nobody counts as stalled while nobody waits")
    func nobodyWaits() {
        var scarcity = Scarcity()
        for tick in 0..<20 {
            let isAnyoneWaiting = tick % 8 != 7
            let stalledTurn = next(&scarcity, turn: tick, unserved: isAnyoneWaiting ? 1 : 0)
            #expect(stalledTurn == (isAnyoneWaiting && tick >= 8 ? tick - 8 : nil))
        }
    }

    @Test("it is over when for the stall time nobody has waited")
    func end() {
        var scarcity = Scarcity()
        for tick in 0..<7 { _ = next(&scarcity, turn: tick, unserved: 0) }
        #expect(!scarcity.isOver)
        _ = next(&scarcity, turn: 7, unserved: 1)
        for tick in 8..<15 { _ = next(&scarcity, turn: tick, unserved: 0) }
        #expect(!scarcity.isOver)
        _ = next(&scarcity, turn: 15, unserved: 0)
        #expect(scarcity.isOver)
    }
}
