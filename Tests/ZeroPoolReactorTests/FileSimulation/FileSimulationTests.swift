import Glibc
import Testing
import ZeroPoolURing

@testable import PooledEcho
@testable import ZeroPoolReactor
import TestSupport

/// A file server's reactor on simulated kernels. The environment is that of `SimulationTests`.
@Suite("Simulation of files", .serialized)
struct FileSimulationTests {
    private static func environment(_ name: String) -> UInt64? {
        getenv(name).flatMap { UInt64(String(cString: $0)) }
    }

    private func simulate(_ scenario: FileScenario, isPrinted: Bool = false) -> FileSimulation {
        let simulation = FileSimulation(scenario, isPrinted: isPrinted)
        if let violation = simulation.run() {
            Issue.record(
                """
                Seed \(scenario.seed) breaks the rule "\(violation)". The last steps:
                \(simulation.trace.tail())
                Replay it with ZEROPOOL_SIMULATION_SEED=\(scenario.seed) swift test --disable-xctest --filter FileSimulationTests
                """)
        }
        return simulation
    }

    @Test("whatever kernel, disk and clients do, each gets the bytes of its files or an error")
    func seeds() {
        if let seed = Self.environment("ZEROPOOL_SIMULATION_SEED") {
            print(FileScenario(seed: seed))
            _ = simulate(FileScenario(seed: seed), isPrinted: true)
            return
        }
        let count = Self.environment("ZEROPOOL_SIMULATION_SEEDS") ?? (Sanitizer.isActive ? 200 : 2000)
        let base = Self.environment("ZEROPOOL_SIMULATION_BASE") ?? UInt64.random(in: 0...1 << 62)
        print("\(count) simulations of files from seed \(base) on")
        var turnCount = 0
        var sum = FileStatistics()
        var releases = SimulatedKernel.Releases()
        for seed in base..<base + count {
            let simulation = simulate(FileScenario(seed: seed))
            turnCount += simulation.turnCount
            sum.add(simulation.statistics)
            sum.blockWaits += simulation.blockWaitCount
            releases += simulation.releases
            // One failure is enough to look at.
            if simulation.trace.violation != nil { return }
        }
        print("\(turnCount) turns of the loop, \(sum), \(releases)")
        // What a seed plays is chance; what none of so many plays is not tested.
        guard count >= 2000 else { return }
        #expect(sum.changedFiles > 0 && sum.failedReads > 0 && sum.slowHeads > 0)
        #expect(releases.lateCount > 0 && releases.count > releases.lateCount)
        #expect(
            sum.blockWaits > 0 && sum.openHits > 0 && sum.keptResponses > 0 && sum.refusedOpens > 0)
    }
}
