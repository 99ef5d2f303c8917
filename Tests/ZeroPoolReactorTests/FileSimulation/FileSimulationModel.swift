import ZeroPool

@testable import PooledEcho
@testable import ZeroPoolReactor

/// What a file server promises, checked at every turn and in the end. Rules of the ring's use are `SimulatedRing`'s, rules of
/// open files `SimulatedFiles`', and what clients get is `ResponseCheck`'s.
final class FileSimulationModel: RingObserver {
    private let scenario: FileScenario
    private let kernel: SimulatedKernel
    private let trace: SimulationTrace
    /// What is tested.
    var reactor: Reactor?
    var server: FileServer?
    private var memory: MemoryModel
    private(set) var turnCount = 0
    /// When the server was told to stop.
    private var stopTime: Int?

    init(_ scenario: FileScenario, _ kernel: SimulatedKernel) {
        self.scenario = scenario
        self.kernel = kernel
        trace = kernel.trace
        memory = MemoryModel(trimSeconds: scenario.limits.trimSeconds, trace: trace)
    }

    private func require(_ isRight: Bool, _ rule: StaticString, _ connection: SimulatedConnection? = nil) {
        if !isRight { trace.violate(rule, connection?.id ?? SimulationTrace.none) }
    }

    func stopped() { stopTime = kernel.now }

    // MARK: What is told

    func armedAccept() {}

    func armedReceive(_ connection: SimulatedConnection, _ extent: ReceiveExtent) {
        require(reactor?.scarcity == nil || extent != .multishot, "where buffers are scarce, each gets one", connection)
    }

    func cancelled(_ connection: SimulatedConnection) {}

    func halfClosed(_ connection: SimulatedConnection) {
        require(!connection.ledger.isSending, "all is sent before the half-close", connection)
    }

    func closed(_ connection: SimulatedConnection, isReset: Bool) {
        connection.ledger.isOpen = false
        firstCloseTime = firstCloseTime ?? kernel.now
        // Responses that are cut short are found by their lengths: `ResponseCheck`.
        if isReset { connection.ledger.hasFailed = true }
    }

    func willHandOver(_ event: PendingEvent) {
        switch event {
        case .accepted(let connection):
            connection.ledger.isOpen = true
            connection.ledger.isServed = true
        case .sent(let connection, let box, _), .sendFailed(let connection, let box, _):
            sendCount += 1
            if box == nil { connection.ledger.unreleasedCount += 1 }
        case .timer(.trim): memory.willTick()
        case .released(let connection, _, _): connection.ledger.unreleasedCount -= 1
        default: break
        }
    }

    func didHandOver(_ event: PendingEvent) { memory.handedOver(event) }

    // MARK: Turns

    func setMemoryTimer(isAboveRest: Bool) { memory.setTimer(isAboveRest: isAboveRest) }
    func trimmedMemory() { memory.trimmed() }
    func beganRest() { memory.beganRest() }

    private var isPolling = false
    private(set) var sendCount = 0
    private(set) var firstCloseTime: Int?

    func turned(isPolling: Bool) {
        self.isPolling = isPolling
        turnCount += 1
        memory.turned(isAboveRest: kernel.isAboveRest)
        guard let reactor, let server else { return }
        checkLeases(reactor, server)
        for case .some(let connection) in kernel.slots where connection.ledger.isOpen {
            check(connection, reactor)
        }
        if let stopTime {
            // File operations may go on when they are cancelled, and a tick is due after that.
            let patience = Int(scenario.limits.drainSeconds * 1e6) + 1_000_000
            require(kernel.now <= stopTime + patience, "everything ends after a stop")
        } else {
            require(kernel.now <= 25_000_000, "the run has an end")
        }
    }

    /// Leases are with the kernel, in a queue, or with a handler: it reads two, and fills one.
    private func checkLeases(_ reactor: Reactor, _ server: FileServer) {
        require(isPolling || reactor.readyJobCount == 0, "the loop does not sleep while a task is ready")
        let out = kernel.pool.leasedBufferCount
        let known = kernel.leaseCount + reactor.queuedLeaseCount
        let most = known + 3 * server.connectionCount + server.cache.value.cachedCount
        // Shares of a response that is kept are many leases of one buffer.
        let isExact = server.counts.value.keptResponses == 0 && server.cache.value.keptByteCount == 0
        if out > most || isExact && out < known {
            trace.violate("leases are with the kernel, in a queue or with a handler", .min, out - known)
        }
        var blockCount = kernel.readingLeaseCount
        reactor.connections.forEach { blockCount += $0.pendingBufferCount }
        require(blockCount <= 2 * reactor.openCount, "a connection fills one block and sends another")
    }

    private func check(_ connection: SimulatedConnection, _ reactor: Reactor) {
        guard let slot = connection.slot else { return }
        let state = reactor.connections[slot]
        require(state.pendingBufferCount <= 2, "a connection holds two blocks at most", connection)
        require(
            Int(state.output.unreleasedCount) == connection.ledger.unreleasedCount, "releases are counted", connection)
        require(
            Int(state.inboxCount) <= scenario.limits.connection.unreadBufferCount + 33, "input that waits is bounded",
            connection)
    }

    // MARK: The end

    func checkEnd(_ peers: [ScriptedPeer], _ files: SimulatedFiles) {
        guard let reactor else { return }
        require(kernel.slots.allSatisfy { $0 == nil }, "no slot of the file table is left")
        require(reactor.queuedLeaseCount == 0, "no lease is left")
        require(reactor.bufferLine.isEmpty, "nobody waits for a block in the end")
        require(server?.connectionCount == 0, "every handler has ended")
        require(server?.cache.value.usedCount == 0, "every use of a file has ended")
        require(files.openCount == 0, "no file is left open")
        let leased = kernel.pool.leasedBufferCount
        if leased != 0 { trace.violate("no lease is out", SimulationTrace.none, leased) }
        for (index, peer) in peers.enumerated() {
            check(peer, scenario.peers[index].requests, files)
            if trace.violation != nil { return }
        }
    }

    private func check(_ peer: ScriptedPeer, _ requests: [FileRequest], _ files: SimulatedFiles) {
        guard let connection = peer.peer?.connection, connection.ledger.isServed else { return }
        peer.readToEnd()
        var check = ResponseCheck(
            connection.recording, files, isStrict: scenario.service.checkedByteCount == 1,
            mayFail: scenario.disk.openFailure > 0)
        if let violation = check.run(requests) { return trace.violate(violation, connection.id, check.responseCount) }
        let hasEnded = connection.outbound.isEnded && !connection.isResetForPeer && !connection.isBroken
        if hasEnded { require(check.isWhole, "no end of stream hides missing bytes", connection) }
        guard peer.plan.isProper, peer.plan.isPrompt else { return }
        require(peer.end != .nothing && peer.end != nil, "each peer learns how it ends", connection)
        guard scenario.isCalm, scenario.isCheckedForAll, scenario.stopsWhenDone, scenario.service.headSeconds == 10
        else { return }
        require(peer.end == .endOfStream, "who asks properly gets a proper end", connection)
        require(check.isComplete, "who asks properly gets all responses", connection)
    }
}
