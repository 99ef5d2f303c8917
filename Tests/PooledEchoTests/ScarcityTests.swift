import Testing

@testable import PooledEcho

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
