import Glibc
import Testing

@testable import ZeroPoolReactor
import TestSupport

/// A reactor on simulated kernels. `ZEROPOOL_SIMULATION_SEEDS=N` runs N of them, `ZEROPOOL_SIMULATION_SEED=S` one, with its
/// trace.
@Suite("Simulation", .serialized)
struct SimulationTests {
    private static func environment(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    /// Runs a scenario, and tells what is to be known when a rule is broken.
    private func simulate(_ scenario: Scenario, isPrinted: Bool = false) -> Simulation {
        let simulation = Simulation(scenario, isPrinted: isPrinted)
        if let violation = simulation.run() {
            Issue.record(
                """
                Seed \(scenario.seed) breaks the rule "\(violation)". The last steps:
                \(simulation.trace.tail())
                Replay it with ZEROPOOL_SIMULATION_SEED=\(scenario.seed) swift test --disable-xctest --filter SimulationTests
                """)
        }
        return simulation
    }

    @Test("whatever kernel and peers do, bytes, buffers, limits and ends are right")
    func seeds() {
        if let seed = SimulationTests.environment("ZEROPOOL_SIMULATION_SEED") {
            print(Scenario(seed: seed))
            _ = simulate(Scenario(seed: seed), isPrinted: true)
            return
        }
        let count = SimulationTests.environment("ZEROPOOL_SIMULATION_SEEDS") ?? (Sanitizer.isActive ? 200 : 1000)
        let base = SimulationTests.environment("ZEROPOOL_SIMULATION_BASE") ?? UInt64.random(in: 0...1 << 62)
        print("\(count) simulations from seed \(base) on")
        var turnCount = 0
        var releases = SimulatedKernel.Releases()
        var cancellations = CancellingHandlers.Counts()
        for seed in base..<base + count {
            let simulation = simulate(Scenario(seed: seed))
            turnCount += simulation.turnCount
            releases += simulation.releases
            cancellations += simulation.cancellations
            // One failure is enough to look at.
            if simulation.trace.violation != nil { break }
        }
        print("\(turnCount) turns of the loop, \(releases), \(cancellations)")
        // What a seed plays is chance; what none of so many plays is not tested.
        guard count >= 1000 else { return }
        #expect(releases.lateCount > 0 && releases.count > releases.lateCount)
        #expect(cancellations.cancelled > 0 && cancellations.expired > 0)
    }

    @Test("a seed plays the same run again, handlers included")
    func replays() {
        let base = UInt64.random(in: 0...1 << 62)
        for seed in base..<base + 40 {
            let first = simulate(Scenario(seed: seed))
            let second = simulate(Scenario(seed: seed))
            #expect(first.turnCount == second.turnCount, "seed \(seed)")
            #expect(
                first.trace.count == second.trace.count && first.trace.tail() == second.trace.tail(), "seed \(seed)")
        }
    }
}
