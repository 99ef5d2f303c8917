import ZeroPoolURing

@testable import PooledEcho

/// One run of a reactor that serves simulated files on a simulated kernel.
final class FileSimulation {
    let scenario: FileScenario
    let trace: SimulationTrace
    private let kernel: SimulatedKernel
    private let ring: SimulatedRing
    private let files: SimulatedFiles
    private let model: FileSimulationModel
    private let service: FileService<SimulatedRing>
    private let reactor: Reactor<FileService<SimulatedRing>>
    private var peers: [ScriptedPeer] = []
    private var busyPeerCount: Int
    private var isStopped = false

    init(_ scenario: FileScenario, isPrinted: Bool = false) {
        self.scenario = scenario
        trace = SimulationTrace(seed: scenario.seed, isPrinted: isPrinted)
        var generator = SeededGenerator(seed: ~scenario.seed)
        let peerSeed = generator.next()
        kernel = SimulatedKernel(
            parameters: scenario.kernel, faults: scenario.faults, generator: generator, trace: trace)
        files = SimulatedFiles(kernel, scenario.disk)
        ring = SimulatedRing(kernel)
        ring.files = files
        ring.deathTime = scenario.deathTime
        service = FileService(scenario.service, slotCount: scenario.kernel.slotCount)
        reactor = Reactor(
            ring: ring, service: service, slotCount: scenario.kernel.slotCount,
            admission: Admission(maxConnectionCount: 1000), limits: scenario.limits)
        model = FileSimulationModel(scenario, kernel)
        model.reactor = reactor
        ring.model = model
        busyPeerCount = scenario.peers.count { $0.plan.isProper }
        for (path, kind, byteCount) in scenario.files { files.put(path, kind, byteCount: byteCount) }
        for (time, path, change) in scenario.changes {
            kernel.after(time) { [unowned self] in
                switch change {
                case .rewrite(let byteCount): files.rewrite(path, byteCount: byteCount)
                case .replace(let byteCount): files.put(path, .regular, byteCount: byteCount)
                case .remove: files.remove(path)
                }
            }
        }
        for (index, peer) in scenario.peers.enumerated() {
            let script = peer.requests.flatMap(\.text)
            peers.append(
                ScriptedPeer(
                    peer.plan, kernel, seed: peerSeed &+ UInt64(index), script: script,
                    onDone: { [unowned self] in if peer.plan.isProper { properPeerIsDone() } }))
        }
        kernel.after(scenario.stopsWhenDone && busyPeerCount == 0 ? 100_000 : scenario.stopTime) { [unowned self] in
            stop()
        }
    }

    private func properPeerIsDone() {
        busyPeerCount -= 1
        guard busyPeerCount == 0, scenario.stopsWhenDone else { return }
        kernel.after(1000) { [unowned self] in stop() }
    }

    private func stop() {
        guard !isStopped else { return }
        isStopped = true
        model.stopped()
        kernel.complete(kernel.newOperation(), .woken)
        guard let delay = scenario.secondStopDelay else { return }
        kernel.after(delay) { [unowned self] in kernel.complete(kernel.newOperation(), .woken) }
    }

    var statistics: FileStatistics { service.statistics }
    var turnCount: Int { model.turnCount }
    var releases: SimulatedKernel.Releases { kernel.releases }

    /// - Returns: the rule that was broken, if one was.
    func run() -> String? {
        CrashReport.begin(trace)
        defer { CrashReport.end() }
        do throws(ServerError) {
            try reactor.run()
            if ring.isDead { trace.violate("a dead ring ends its reactor with an error") }
            if trace.violation == nil { model.checkEnd(peers, files) }
        } catch {
            if !ring.isDead { trace.violate("the reactor fails only when its ring does") }
            if !ring.isAbandoned { trace.violate("a dead ring is abandoned") }
        }
        model.reactor = nil
        kernel.end()
        return trace.violation
    }
}
