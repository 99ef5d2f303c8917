import Glibc
import Testing
import ZeroPoolURing

@testable import PooledEcho

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
        for seed in base..<base + count {
            let simulation = simulate(FileScenario(seed: seed))
            turnCount += simulation.turnCount
            sum.add(simulation.statistics)
            // One failure is enough to look at.
            if simulation.trace.violation != nil { return }
        }
        print("\(turnCount) turns of the loop, \(sum)")
        // What a seed plays is chance; what none of so many plays is not tested.
        guard count >= 2000 else { return }
        #expect(sum.changedFiles > 0 && sum.failedReads > 0 && sum.slowHeads > 0)
        #expect(
            sum.blockWaits > 0 && sum.openHits > 0 && sum.keptResponses > 0 && sum.listings > 0 && sum.refusedOpens > 0)
    }

    @Test("who reads nothing of a response is cut, and who reads it fast enough is not", arguments: [true, false])
    func slowReader(isDeaf: Bool) {
        var scenario = FileScenario(seed: 1)
        scenario.kernel = SimulatedKernel.Parameters()
        scenario.kernel.outboundCapacity = 1000
        (scenario.faults, scenario.disk, scenario.changes) = (FaultPlan(), SimulatedFiles.Faults(), [])
        scenario.service = FileServiceConfiguration()
        scenario.service.minBytesPerSecond = 100_000
        scenario.service.slowGraceSeconds = 0.1
        scenario.limits.idleSeconds = 0
        (scenario.stopsWhenDone, scenario.stopTime, scenario.deathTime) = (false, 20_000_000, nil)
        scenario.files = [("f0", .regular, 200_000)]
        let request = FileRequest(path: "/f0")
        var plan = PeerPlan()
        (plan.byteCount, plan.ending) = (request.text.count, .stay)
        if isDeaf { plan.reading = .never }
        scenario.peers = [(plan, [request])]
        #expect(simulate(scenario).statistics.slowReaders == (isDeaf ? 1 : 0))
    }
}
