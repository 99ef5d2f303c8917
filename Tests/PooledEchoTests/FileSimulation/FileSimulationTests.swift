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
        var releases = SimulatedKernel.Releases()
        for seed in base..<base + count {
            let simulation = simulate(FileScenario(seed: seed))
            turnCount += simulation.turnCount
            sum.add(simulation.statistics)
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
            sum.blockWaits > 0 && sum.openHits > 0 && sum.keptResponses > 0 && sum.listings > 0 && sum.refusedOpens > 0)
    }

    /// How a response is with the kernel.
    enum Sending: CaseIterable {
        /// It takes a little of it, and copies that.
        case stuck
        /// It takes all, and reads the server's memory until the peer has read.
        case zeroCopy
        /// The same, and the connection is to end with it.
        case lastZeroCopy
    }

    @Test(
        "who reads nothing of a response is cut, and who reads it fast enough is not", arguments: [true, false],
        Sending.allCases)
    func slowReader(isDeaf: Bool, sending: Sending) {
        var scenario = FileScenario(seed: 1)
        scenario.kernel = SimulatedKernel.Parameters()
        scenario.kernel.outboundCapacity = sending == .stuck ? 1000 : 1 << 20
        if sending != .stuck { scenario.kernel.zeroCopyMinimumByteCount = 1 }
        (scenario.faults, scenario.disk, scenario.changes) = (FaultPlan(), SimulatedFiles.Faults(), [])
        scenario.service = FileServiceConfiguration()
        scenario.service.minBytesPerSecond = 100_000
        scenario.service.slowGraceSeconds = 0.1
        scenario.limits.idleSeconds = 0
        (scenario.stopsWhenDone, scenario.stopTime, scenario.deathTime) = (false, 20_000_000, nil)
        scenario.files = [("f0", .regular, 200_000)]
        let request = FileRequest(path: "/f0", isLast: sending == .lastZeroCopy)
        var plan = PeerPlan()
        (plan.byteCount, plan.ending) = (request.text.count, .stay)
        if isDeaf { plan.reading = .never }
        scenario.peers = [(plan, [request])]
        let simulation = simulate(scenario)
        #expect(simulation.statistics.slowReaders == (isDeaf ? 1 : 0))
        #expect((simulation.releases.count > 0) == (sending != .stuck))
    }
}
