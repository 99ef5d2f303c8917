import Testing

@testable import PooledEcho

@Suite("Scarcity")
struct ScarcityTests {
    @Test("a history tells the turn of eight ticks ago")
    func history() {
        var history = TurnHistory()
        for tick in 0..<8 { #expect(history.tick(turn: tick * 10) == nil) }
        for tick in 8..<100 { #expect(history.tick(turn: tick * 10) == (tick - 8) * 10) }
    }

    @Test("nobody counts as stalled before the stall time is over")
    func patience() {
        var scarcity = Scarcity()
        for tick in 0..<8 { #expect(scarcity.tick(turn: 100 + tick, isAnyoneWaiting: true) == nil) }
        #expect(scarcity.tick(turn: 108, isAnyoneWaiting: true) == 100)
    }

    @Test("nobody counts as stalled while nobody waits")
    func nobodyWaits() {
        var scarcity = Scarcity()
        for tick in 0..<20 {
            let isAnyoneWaiting = tick % 8 != 7
            let stalledTurn = scarcity.tick(turn: tick, isAnyoneWaiting: isAnyoneWaiting)
            #expect(stalledTurn == (isAnyoneWaiting && tick >= 8 ? tick - 8 : nil))
        }
    }

    @Test("it is over when for the stall time nobody has waited")
    func end() {
        var scarcity = Scarcity()
        for tick in 0..<7 { _ = scarcity.tick(turn: tick, isAnyoneWaiting: false) }
        #expect(!scarcity.isOver)
        _ = scarcity.tick(turn: 7, isAnyoneWaiting: true)
        for tick in 8..<15 { _ = scarcity.tick(turn: tick, isAnyoneWaiting: false) }
        #expect(!scarcity.isOver)
        _ = scarcity.tick(turn: 15, isAnyoneWaiting: false)
        #expect(scarcity.isOver)
    }
}
