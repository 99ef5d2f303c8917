@testable import PooledEcho
@testable import ZeroPoolReactor
import TestSupport

/// One run of a reactor that serves simulated files on a simulated kernel.
final class FileSimulation {
    let scenario: FileScenario
    let trace: SimulationTrace
    private let kernel: SimulatedKernel
    private let ring: SimulatedRing
    private let files: SimulatedFiles
    private let model: FileSimulationModel
    private let server: FileServer
    private let reactor: Reactor
    private var handlerGenerator: SeededGenerator
    private var peers: [ScriptedPeer] = []
    private var busyPeerCount: Int
    private var isStopped = false

    init(_ scenario: FileScenario, isPrinted: Bool = false) {
        self.scenario = scenario
        trace = SimulationTrace(seed: scenario.seed, isPrinted: isPrinted)
        var generator = SeededGenerator(seed: ~scenario.seed)
        let peerSeed = generator.next()
        handlerGenerator = SeededGenerator(seed: generator.next())
        kernel = SimulatedKernel(
            parameters: scenario.kernel, faults: scenario.faults, generator: generator, trace: trace)
        files = SimulatedFiles(kernel, scenario.disk)
        ring = SimulatedRing(kernel)
        ring.files = files
        ring.deathTime = scenario.deathTime
        reactor = Reactor(
            ring: ring, pool: kernel.pool, bell: ring.makeBell(), slotCount: scenario.kernel.slotCount,
            admission: Admission(maxConnectionCount: 1000), limits: scenario.limits)
        ring.rootDescriptor = Self.source.root.descriptor
        server = FileServer(
            scenario.service, source: Self.source, openFileCount: scenario.service.openFileCount,
            keptByteCount: scenario.service.cacheByteCount, reactor: reactor)
        model = FileSimulationModel(scenario, kernel)
        model.reactor = reactor
        model.server = server
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
        for end in scenario.handlerEnds {
            kernel.after(end.time) { [unowned self] in
                guard let connection = peers[end.peer].peer?.connection else { return }
                post { [unowned self] _ in endByHandler(connection) }
            }
        }
        serve()
    }

    /// The real files are not asked for: any directory will do.
    private static let source: FileSource = {
        guard let root = try? Directory(path: "/") else { preconditionFailure("there is a root directory") }
        return FileSource(root: root, lister: nil, accessLog: nil)
    }()

    private func serve() {
        nonisolated(unsafe) let simulation = self
        let server = server
        reactor.onEnd = { _ = server.end() }
        reactor.serve { connection in
            guard let delay = simulation.scenario.cancellationDelay, simulation.handlerGenerator.chance(0.5) else {
                return try await FileHandler(connection, server).run()
            }
            let microseconds = simulation.handlerGenerator.skewed(0, delay)
            try await Self.serve(connection, server, cancelledAfter: .microseconds(microseconds))
        }
    }

    /// The handler in a child task, which is cancelled at whatever await it has come to.
    private nonisolated(nonsending) static func serve(
        _ connection: Connection, _ server: FileServer, cancelledAfter duration: Duration
    ) async throws {
        let reactor = connection.reactor
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await FileHandler(connection, server).run() }
            group.addTask { try? await reactor.sleep(for: duration) }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// As another thread does it.
    private func post(_ work: @escaping (Reactor) -> Void) {
        nonisolated(unsafe) let work = work
        reactor.postLater { work($0) }
    }

    private func endByHandler(_ connection: SimulatedConnection) {
        guard let slot = connection.slot, connection.ledger.isOpen else { return }
        let state = reactor.connections[slot]
        if state.phase == .serving { state.reset() }
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
        post { reactor in
            reactor.drain()
            reactor.end()
        }
        guard let delay = scenario.secondStopDelay else { return }
        kernel.after(delay) { [unowned self] in post { $0.cutAll() } }
    }

    var statistics: FileStatistics { server.counts.value }
    /// The peers, in the scenario's order.
    var scriptedPeers: [ScriptedPeer] { peers }
    /// What a peer was sent.
    func text(sentTo peer: Int) -> String {
        String(decoding: peers[peer].peer?.connection.recording ?? [], as: UTF8.self)
    }
    var reactorStatistics: ReactorStatistics { reactor.statistics }
    var sendCount: Int { model.sendCount }
    var firstCloseSeconds: Double? { model.firstCloseTime.map { Double($0) / 1e6 } }
    var seconds: Double { Double(kernel.now) / 1e6 }
    var blockWaitCount: Int { reactor.statistics.blockWaits }
    var turnCount: Int { model.turnCount }
    var releases: SimulatedKernel.Releases { kernel.releases }

    /// - Returns: the rule that was broken, if one was.
    func run() -> String? {
        CrashReport.begin(trace)
        defer { CrashReport.end() }
        do throws(ReactorError) {
            try reactor.run()
            if ring.isDead { trace.violate("a dead ring ends its reactor with an error") }
            if trace.violation == nil { model.checkEnd(peers, files) }
        } catch {
            if !ring.isDead { trace.violate("the reactor fails only when its ring does") }
            if !ring.isAbandoned { trace.violate("a dead ring is abandoned") }
        }
        model.reactor = nil
        model.server = nil
        kernel.end()
        return trace.violation
    }
}
