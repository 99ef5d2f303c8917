@testable import PooledEcho
@testable import ZeroPoolReactor
import TestSupport

/// One run of a reactor on a simulated kernel.
final class Simulation {
    let scenario: Scenario
    let trace: SimulationTrace
    private let kernel: SimulatedKernel
    private let ring: SimulatedRing
    private let model: SimulationModel
    private let reactor: Reactor
    private let handlers: CancellingHandlers
    private var peers: [ScriptedPeer] = []
    private var busyPeerCount: Int
    private var isStopped = false
    /// The reactor ended with an error.
    private(set) var hasFailed = false

    init(_ scenario: Scenario, isPrinted: Bool = false) {
        self.scenario = scenario
        trace = SimulationTrace(seed: scenario.seed, isPrinted: isPrinted)
        var generator = SeededGenerator(seed: ~scenario.seed)
        let peerSeed = generator.next()
        let handlerSeed = generator.next()
        kernel = SimulatedKernel(
            parameters: scenario.kernel, faults: scenario.faults, generator: generator, trace: trace)
        ring = SimulatedRing(kernel)
        model = SimulationModel(scenario, kernel)
        reactor = Reactor(
            ring: ring, pool: kernel.pool, bell: ring.makeBell(), slotCount: scenario.kernel.slotCount,
            admission: Admission(
                maxConnectionCount: scenario.maxConnectionCount,
                maxConnectionCountPerAddress: scenario.maxConnectionCountPerAddress),
            limits: scenario.limits)
        handlers = CancellingHandlers(kernel, model, seed: handlerSeed)
        model.reactor = reactor
        ring.model = model
        ring.deathTime = scenario.deathTime
        busyPeerCount = scenario.peers.count { $0.isProper }
        for (index, plan) in scenario.peers.enumerated() {
            peers.append(
                ScriptedPeer(plan, kernel, seed: peerSeed &+ UInt64(index)) { [unowned self] in
                    if plan.isProper { properPeerIsDone() }
                })
        }
        switch scenario.handler {
        case .echo: reactor.serve(serveEcho)
        case .children:
            ring.pollLimit = 64
            let handlers = handlers
            reactor.serve { connection in try await handlers.serveEcho(connection) }
        }
        planWorld()
    }

    private func planWorld() {
        let stopsAtOnce = scenario.stopsWhenDone && busyPeerCount == 0
        kernel.after(stopsAtOnce ? scenario.stopDelay : scenario.stopTime) { [unowned self] in stop() }
        for shortage in scenario.shortages {
            kernel.after(shortage.start) { [unowned self] in kernel.shortageErrno = shortage.errno }
            kernel.after(shortage.end) { [unowned self] in
                kernel.shortageErrno = nil
                kernel.advanceAccept()
            }
        }
        for reset in scenario.networkResets {
            kernel.after(reset.time) { [unowned self] in
                guard let connection = peers[reset.peer].peer?.connection else { return }
                kernel.breakConnection(connection, 104)
                kernel.resetForPeer(connection)
            }
        }
        for end in scenario.handlerEnds {
            kernel.after(end.time) { [unowned self] in
                guard let connection = peers[end.peer].peer?.connection else { return }
                post { [unowned self] _ in endByHandler(connection) }
            }
        }
    }

    /// As another thread does it.
    private func post(_ work: @escaping (Reactor) -> Void) {
        nonisolated(unsafe) let work = work
        reactor.postLater { work($0) }
    }

    private func endByHandler(_ connection: SimulatedConnection) {
        guard let slot = connection.slot, connection.ledger.isOpen, connection.ledger.isServed else { return }
        let state = reactor.connections[slot]
        guard state.phase == .serving else { return }
        trace.note("is ended under its handler", connection.id)
        model.handlerEnds(connection) { state.reset() }
    }

    private func properPeerIsDone() {
        busyPeerCount -= 1
        guard busyPeerCount == 0, scenario.stopsWhenDone else { return }
        kernel.after(scenario.stopDelay) { [unowned self] in stop() }
    }

    private func stop() {
        guard !isStopped else { return }
        isStopped = true
        model.checkWaiting()
        post { [unowned self] reactor in
            model.drains()
            reactor.drain()
            reactor.end()
        }
        guard let delay = scenario.secondStopDelay else { return }
        kernel.after(delay) { [unowned self] in
            post { [unowned self] reactor in model.cuts { reactor.cutAll() } }
        }
    }

    /// What the reactor counted.
    var statistics: ReactorStatistics { reactor.statistics }
    /// What came of awaits in child tasks.
    var cancellations: CancellingHandlers.Counts { handlers.counts }
    /// The peers, in the scenario's order.
    var scriptedPeers: [ScriptedPeer] { peers }
    var turnCount: Int { model.turn }
    var releases: SimulatedKernel.Releases { kernel.releases }
    /// How often it looked for idle memory, and how often all of it was to go.
    var trimCount: Int { model.memory.trimCount }
    var restCount: Int { model.memory.restCount }
    var seconds: Double { Double(kernel.now) / 1e6 }

    /// - Returns: the rule that was broken, if one was.
    func run() -> String? {
        CrashReport.begin(trace)
        defer { CrashReport.end() }
        do throws(ReactorError) {
            try reactor.run()
            if ring.isDead { trace.violate("a dead ring ends its reactor with an error") }
            if !ring.isClosed { trace.violate("the ring is closed in the end") }
            if trace.violation == nil { model.checkEnd(peers) }
        } catch {
            hasFailed = true
            if !ring.isDead { trace.violate("the reactor fails only when its ring does") }
            if ring.isDead, !ring.isAbandoned { trace.violate("a dead ring is abandoned") }
            if ring.isClosed { trace.violate("a dead ring is not closed") }
        }
        model.reactor = nil
        kernel.end()
        return trace.violation
    }
}
