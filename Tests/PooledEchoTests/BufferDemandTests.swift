import Testing

@testable import PooledEcho

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
