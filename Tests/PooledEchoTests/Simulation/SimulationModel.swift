import Glibc
import ZeroPool

@testable import PooledEcho

/// What a server promises, checked at every step against books of its own. Rules of the ring's use are `SimulatedRing`'s.
final class SimulationModel: RingObserver {
    private let kernel: SimulatedKernel
    private let trace: SimulationTrace
    private let scenario: Scenario
    /// What is tested.
    var reactor: Reactor<EchoService<SimulatedRing>>?

    private(set) var turn = 0
    /// The event that is being handed over makes the reactor cut connections for this reason.
    private var cuttingCause: Ledger.Cause?
    /// Connections of this turn's events.
    private var touched: [SimulatedConnection] = []
    private var line = WaitingLine()

    private var openCount = 0
    private var openCountsByAddress: [PeerAddress: Int] = [:]
    private var statisticsBefore = ServerStatistics.Connections()
    private(set) var drainTime: Int?
    private(set) var cutTime: Int?
    private var receiveArms = SpinGuard(microseconds: 20_000)
    private var acceptArms = SpinGuard(microseconds: 20_000)
    private var isAccepting = false
    /// A connection has ended while accepting was given up: there is room again.
    private var hasRoom = false
    /// Since when somebody could be accepted, and nobody accepts.
    private var unacceptedSince: Int?
    /// When somebody last waited for a buffer.
    private var lastWaitingTime = 0
    private var lastWaitingTurn = 0
    private var wasScarce = false
    var memory: MemoryModel
    /// What statistics should say in the end.
    private(set) var tally = Tally()

    init(_ scenario: Scenario, _ kernel: SimulatedKernel) {
        self.scenario = scenario
        self.kernel = kernel
        trace = kernel.trace
        memory = MemoryModel(trimSeconds: scenario.limits.trimSeconds, trace: trace)
    }

    private func require(_ isRight: Bool, _ rule: StaticString, _ connection: SimulatedConnection? = nil) {
        if !isRight { trace.violate(rule, connection?.id ?? SimulationTrace.none) }
    }

    // MARK: Operations

    func armedAccept() {
        isAccepting = true
        hasRoom = false
        require(acceptArms.count(now: kernel.now) <= 8, "accept is not armed again and again for nothing")
    }

    func armedReceive(_ connection: SimulatedConnection, _ extent: ReceiveExtent) {
        let ledger = connection.ledger
        let arms = receiveArms.count(now: kernel.now)
        require(arms <= 64 + 8 * openCount, "receives are not armed again and again for nothing", connection)
        require(ledger.isOpen && ledger.isServed, "only who is served is received from", connection)
        require(!ledger.isEnding, "a connection that has failed or is cut receives no more", connection)
        leaveLine(connection)
        guard !ledger.hasShutWrite else { return }
        require(drainTime == nil, "who drains receives only to discard", connection)
        let limits = limits
        require(
            ledger.heldLeaseCount <= limits.queuedLeaseCount / 2 && ledger.owedByteCount <= limits.owedByteCount / 2,
            "receiving goes on when half of the limit is left", connection)
        guard let reactor else { return }
        require(
            extent != .multishot || ledger.queuedLeaseCount <= 1 && reactor.waiting.isEmpty,
            "who lags, or receives while others wait, gets one buffer", connection)
        require(
            reactor.scarcity == nil || extent == .oneBufferOnceWritable,
            "where buffers are scarce, nobody gets one whose echo has no room", connection)
    }

    private var limits: EchoConnection.Limits {
        reactor?.scarcity == nil ? scenario.limits.connection : scenario.limits.connection.scarce
    }

    func cancelled(_ connection: SimulatedConnection) {
        if let cuttingCause { cut(connection, cuttingCause) }
    }

    func halfClosed(_ connection: SimulatedConnection) {
        require(drainTime != nil, "only a draining server half-closes", connection)
        require(connection.ledger.owedByteCount == 0, "everything is echoed before the half-close", connection)
        require(!connection.ledger.isEnding, "a failed connection is not half-closed", connection)
    }

    func closed(_ connection: SimulatedConnection, isReset: Bool) {
        if let cuttingCause { cut(connection, cuttingCause) }
        acceptArms.progress(now: kernel.now)
        receiveArms.progress(now: kernel.now)
        let ledger = connection.ledger
        guard ledger.isOpen else {
            connection.ledger.isRefused = true
            return require(!isReset, "who is refused is closed", connection)
        }
        connection.ledger.isOpen = false
        openCount -= 1
        if !isAccepting { hasRoom = true }
        if ledger.isServed { openCountsByAddress[connection.address, default: 0] -= 1 }
        let losesBytes = ledger.owedByteCount > 0 || ledger.unreleasedCount > 0 || ledger.lostByteCount > 0
        let isEnding = ledger.isEnding || !ledger.possibleCauses.isEmpty
        require(ledger.hasEnded || isEnding || !ledger.isServed, "no connection ends without a reason", connection)
        if isReset, let cause = ledger.cause, cause != .failure, drainTime != nil { tally.cutWithLoss += 1 }
        require(isReset || !losesBytes, "no end of stream hides lost bytes", connection)
        require(!isReset || losesBytes, "a reset is for who loses bytes", connection)
        if !isEnding { require(!isReset, "who ends properly gets everything back", connection) }
    }

    /// The reactor cuts a connection: may it?
    private func cut(_ connection: SimulatedConnection, _ cause: Ledger.Cause) {
        guard !connection.ledger.isEnding, connection.ledger.isOpen else { return }
        connection.ledger.cause = cause
        connection.ledger.cutTurn = turn
        let ledger = connection.ledger
        tally.cut(cause)
        let age = kernel.now - ledger.lastActivity
        switch cause {
        case .idleness:
            require(scenario.limits.idleSeconds > 0, "without a limit nobody is idle too long", connection)
            require(age >= microseconds(scenario.limits.idleSeconds), "who is cut for idleness was idle", connection)
        case .stall:
            require(
                age >= microseconds(scenario.limits.stallSeconds), "who is cut for stalling has stalled", connection)
            require(ledger.isSending || ledger.unreleasedCount > 0, "only debtors are cut for stalling", connection)
            require(lastWaitingTurn == turn, "nobody is cut for stalling unless others wait for buffers", connection)
        case .drainEnd, .failure: break
        }
    }

    // MARK: Turns

    func setMemoryTimer(isAboveRest: Bool) { memory.setTimer(isAboveRest: isAboveRest) }
    func trimmedMemory() { memory.trimmed() }
    func beganRest() { memory.beganRest() }

    func turned(isPolling: Bool) {
        if let reactor {
            require(
                isPolling || reactor.waiting.isEmpty || reactor.ring.availableBufferCount == 0,
                "the loop does not sleep while somebody waits for buffers that are there")
        }
        turn += 1
        line.clear(isWaiting: isWaiting)
        let connectionLimits = scenario.limits.connection
        for connection in touched {
            let ledger = connection.ledger
            guard ledger.isReceiveMultishot, ledger.isReceiving, !ledger.isReceiveCancelled, !ledger.hasShutWrite,
                !ledger.isEnding
            else {
                continue
            }
            require(
                ledger.heldLeaseCount < connectionLimits.queuedLeaseCount
                    && ledger.owedByteCount < connectionLimits.owedByteCount,
                "receiving pauses at the limit", connection)
        }
        touched.removeAll(keepingCapacity: true)
        checkLeases()
        checkAccepting()
        checkScarcity()
        memory.turned(isAboveRest: kernel.isAboveRest)
        let patience = drainTime.map { $0 + microseconds(scenario.limits.drainSeconds) + 200_000 } ?? .max
        require(kernel.now <= patience || cutTime != nil, "the drain time is kept")
        if let cutTime { require(kernel.now <= cutTime + 200_000, "after the cut all connections end at once") }
    }

    private func checkAccepting() {
        guard drainTime == nil else { return }
        require(!hasRoom, "accepting goes on when a connection ends")
        guard !kernel.backlog.isEmpty, kernel.shortageErrno == nil, !isAccepting else { return unacceptedSince = nil }
        let since = unacceptedSince ?? kernel.now
        unacceptedSince = since
        require(kernel.now - since < 200_000, "accepting goes on after a while")
    }

    private func checkLeases() {
        guard let reactor else { return }
        let out = kernel.pool.leasedBufferCount
        if out != kernel.leaseCount + reactor.queuedLeaseCount {
            trace.violate(
                "leases are with the kernel or in a queue", SimulationTrace.none,
                out - kernel.leaseCount - reactor.queuedLeaseCount)
        }
    }

    // MARK: Events

    func willHandOver(_ event: PendingEvent) {
        statisticsBefore = reactor?.statistics.connections ?? .init()
        switch event {
        case .accepted(let connection): willAccept(connection)
        case .identified(let connection, let address): willIdentify(connection, address)
        case .received(let connection, let lease): willReceive(connection, lease.byteCount)
        case .receiveEnded(let connection, let errno, let isEndOfStream):
            touched.append(connection)
            if isEndOfStream { receiveArms.progress(now: kernel.now) }
            connection.ledger.readableSince = nil
            if errno == ENOBUFS, !connection.ledger.isEnding { tally.starved += 1 }
            if errno != 0, errno != ENOBUFS, errno != ECANCELED, errno != EINTR { fails(connection) }
        case .sent(let connection, let lease, let byteCount): willSend(connection, lease == nil, byteCount)
        case .sendFailed(let connection, let lease, _):
            touched.append(connection)
            if lease == nil { connection.ledger.unreleasedCount += 1 }
            fails(connection)
        case .released(let connection, _, _):
            connection.ledger.unreleasedCount -= 1
            if !connection.ledger.isClosed { moved(connection) }
        case .woken:
            if drainTime == nil { drainTime = kernel.now } else { cutsAll() }
        case .timer(.drain): cutsAll()
        case .timer(.idle): cuttingCause = .idleness
        case .timer(.scarcity): cuttingCause = .stall
        case .acceptEnded(let errno):
            isAccepting = false
            // A full table drops who comes; who drains does not count that.
            if errno == ENFILE, drainTime == nil { tally.refused += 1 }
            if ![ENFILE, EMFILE, ENOMEM, ENOBUFS].contains(errno) {
                // It took a connection with it, so that it can't go on for ever.
                acceptArms.progress(now: kernel.now)
            }
        case .timer(.trim): memory.willTick()
        case .timer(.accept), .timer(.service), .halfClosed, .withdrawn, .opened, .openFailed, .read, .checked: break
        }
    }

    private func willAccept(_ connection: SimulatedConnection) {
        acceptArms.progress(now: kernel.now)
        connection.ledger.isRefused = openCount >= scenario.maxConnectionCount
        guard !connection.ledger.isRefused else { return tally.refused += 1 }
        openCount += 1
        connection.ledger.isOpen = true
        connection.ledger.lastTurn = turn
        connection.ledger.lastActivity = kernel.now
        connection.ledger.acceptTime = kernel.now
        if scenario.maxConnectionCountPerAddress == nil { serves(connection) }
    }

    private func willIdentify(_ connection: SimulatedConnection, _ address: PeerAddress?) {
        guard let address, openCountsByAddress[address, default: 0] < scenario.maxConnectionCountPerAddress ?? .max
        else {
            connection.ledger.isRefused = true
            return tally.refused += 1
        }
        serves(connection)
    }

    private func serves(_ connection: SimulatedConnection) {
        connection.ledger.isServed = true
        // After the cut it is cut as soon as it is there, and owes nothing.
        if cutTime != nil { connection.ledger.cause = .drainEnd }
        openCountsByAddress[connection.address, default: 0] += 1
        tally.accepted += 1
    }

    private func willReceive(_ connection: SimulatedConnection, _ byteCount: Int) {
        touched.append(connection)
        checkLiveness(connection)
        moved(connection)
        receiveArms.progress(now: kernel.now)
        connection.ledger.readableSince = connection.inbound.unreadByteCount > 0 ? kernel.now : nil
        tally.bytesHandedOver += byteCount
        let isSure = connection.ledger.possibleCauses.isEmpty || connection.ledger.isEnding
        if connection.ledger.hasShutWrite || connection.ledger.isEnding {
            tally.bytesDiscarded += byteCount
            if !connection.ledger.hasShutWrite { connection.ledger.lostByteCount += byteCount }
        } else {
            if !isSure { tally.bytesUnsure += byteCount }
            connection.ledger.receivedByteCount += byteCount
            connection.ledger.receivedLeaseCount += 1
        }
    }

    private func willSend(_ connection: SimulatedConnection, _ isKept: Bool, _ byteCount: Int) {
        touched.append(connection)
        moved(connection)
        receiveArms.progress(now: kernel.now)
        tally.bytesSent += byteCount
        connection.ledger.sentByteCount += byteCount
        let isWhole = byteCount == connection.ledger.sendingByteCount
        if isWhole { connection.ledger.sentLeaseCount += 1 }
        if isKept {
            connection.ledger.unreleasedCount += 1
            if !isWhole { fails(connection) }
        }
    }

    private func moved(_ connection: SimulatedConnection) {
        connection.ledger.lastTurn = turn
        connection.ledger.lastActivity = kernel.now
    }

    private func fails(_ connection: SimulatedConnection) {
        connection.ledger.hasFailed = true
        guard connection.ledger.cause == nil else { return }
        connection.ledger.cause = .failure
        if connection.ledger.possibleCauses.isEmpty { tally.failed += 1 } else { tally.unsureFailures += 1 }
    }

    private func cutsAll() {
        cuttingCause = .drainEnd
        if cutTime == nil { cutTime = kernel.now }
    }

    func didHandOver(_ event: PendingEvent) {
        switch event {
        case .accepted(let connection):
            require(
                connection.ledger.isClosed == connection.ledger.isRefused || cutTime != nil,
                "the connection limit refuses, and nobody else",
                connection)
            if connection.ledger.isServed { checkReceiving(connection) }
        case .identified(let connection, _):
            require(
                connection.ledger.isClosed == connection.ledger.isRefused || cutTime != nil
                    || !connection.ledger.possibleCauses.isEmpty,
                "the limit of an address refuses, and nobody else", connection)
            if connection.ledger.isServed { checkReceiving(connection) }
        case .receiveEnded(let connection, _, _), .sent(let connection, _, _), .released(let connection, _, _):
            checkReceiving(connection)
        case .timer(.idle):
            marksPossiblyCut(.idleness)
            checkIdleness()
        case .timer(.scarcity):
            marksPossiblyCut(.stall)
            // The end of scarcity lets everybody go on at once, into the line where somebody waits.
            for case .some(let connection) in kernel.slots where isWaiting(connection) { line.join(connection) }
            checkStallOrder()
            checkScarcityEnd()
        case .timer(.drain): marksPossiblyCut(.drainEnd)
        case .woken: if cutTime != nil { marksPossiblyCut(.drainEnd) }
        default: break
        }
        cuttingCause = nil
        memory.handedOver(event)
    }

    /// Who owes little receives again, or waits for a buffer.
    private func checkReceiving(_ connection: SimulatedConnection) {
        if isWaiting(connection) { return line.join(connection) }
        let ledger = connection.ledger
        guard ledger.isOpen, !ledger.isEnding, ledger.possibleCauses.isEmpty, !ledger.hasEnded, drainTime == nil,
            !ledger.isReceiving
        else { return }
        let limits = limits
        require(
            ledger.heldLeaseCount > limits.queuedLeaseCount / 2 || ledger.owedByteCount > limits.owedByteCount / 2,
            "who owes little receives", connection)
    }

    /// With a receive that ends already, before it is identified, or where only the half-close is waited for, a cut shows in
    /// nothing that the reactor asks for.
    private func marksPossiblyCut(_ cause: Ledger.Cause) {
        for case .some(let connection) in kernel.slots {
            let ledger = connection.ledger
            guard ledger.isOpen, !ledger.isEnding, !ledger.isSending else { continue }
            let isHidden = ledger.isReceiving ? ledger.isReceiveCancelled : ledger.isIdentifying || ledger.isHalfClosing
            guard isHidden else { continue }
            connection.ledger.possibleCauses.append(cause)
            tally.possiblyCut += 1
        }
    }

    // MARK: Idleness

    private func checkIdleness() {
        let limit = microseconds(scenario.limits.idleSeconds * 1.3) + 1000 + 10 * kernel.parameters.timeGrain
        for case .some(let connection) in kernel.slots {
            let ledger = connection.ledger
            guard ledger.isOpen, ledger.isServed, !ledger.isEnding, ledger.possibleCauses.isEmpty else { continue }
            require(kernel.now - ledger.lastActivity <= limit, "who is idle too long is closed", connection)
        }
    }

    // MARK: Waiting for buffers

    /// When scarcity has begun, whoever owes receives no more; when it has ended, whoever owes little receives again.
    private func checkScarcity() {
        guard let reactor else { return }
        if !reactor.waiting.isEmpty { (lastWaitingTime, lastWaitingTurn) = (kernel.now, turn) }
        let isScarce = reactor.scarcity != nil
        guard isScarce != wasScarce else { return }
        wasScarce = isScarce
        for case .some(let connection) in kernel.slots {
            let ledger = connection.ledger
            if isScarce {
                let isLetGo =
                    ledger.isReceiveCancelled || ledger.heldLeaseCount == 0 || drainTime != nil || ledger.isEnding
                require(
                    !ledger.isReceiving || !ledger.isReceiveMultishot || isLetGo,
                    "where buffers are scarce, who owes receives no more", connection)
            } else if ledger.isServed {
                checkReceiving(connection)
            }
        }
    }

    private func checkScarcityEnd() {
        let limit = microseconds(scenario.limits.stallSeconds * 1.3) + 1000 + 10 * kernel.parameters.timeGrain
        require(
            reactor?.scarcity == nil || kernel.now - lastWaitingTime <= limit,
            "scarcity ends when nobody has waited for the stall time")
    }

    /// Whoever was cut had stalled at least as long as each debtor that was not.
    private func checkStallOrder() {
        var lastCut = Int.min
        for connection in kernel.connections where connection.ledger.cause == .stall {
            lastCut = max(lastCut, connection.ledger.cutTurn == turn ? connection.ledger.lastTurn : .min)
        }
        guard lastCut != .min else { return }
        for case .some(let connection) in kernel.slots {
            let ledger = connection.ledger
            guard ledger.isOpen, ledger.isSending, !ledger.isEnding else { continue }
            require(ledger.lastTurn >= lastCut, "the longest stalled is cut first", connection)
        }
    }

    private func isWaiting(_ connection: SimulatedConnection) -> Bool {
        guard let reactor, let slot = connection.slot, connection.ledger.isOpen else { return false }
        return reactor.slots[Int(slot)].connection.receive == .waiting
    }

    /// It receives: nobody that waits longer may be passed by.
    private func leaveLine(_ connection: SimulatedConnection) {
        line.leave(connection) { other in
            require(drainTime != nil || !isWaiting(other), "who waits longest for a buffer is next", other)
        }
    }

    /// Nobody who reads waits for long: each of those before it holds a buffer for the stall time at most.
    private func checkLiveness(_ connection: SimulatedConnection) {
        let ledger = connection.ledger
        guard ledger.isPrompt, drainTime == nil, !ledger.isEnding, let since = ledger.readableSince else { return }
        let start = max(since, ledger.acceptTime, ledger.lastActivity)
        require(kernel.now - start <= patience, "who reads is served in bounded time", connection)
    }

    private var patience: Int {
        let stallMicroseconds = microseconds(scenario.limits.stallSeconds) + 10 * kernel.parameters.timeGrain
        return (scenario.peers.count + 2) * stallMicroseconds * 3 / 2 + 100_000
    }

    // MARK: The end

    /// The server is to stop: nobody may have waited for too long by now.
    func checkWaiting() {
        for case .some(let connection) in kernel.slots where connection.ledger.isOpen && connection.ledger.isServed {
            checkLiveness(connection)
        }
    }

    func checkEnd(_ peers: [ScriptedPeer]) {
        guard let reactor else { return }
        require(openCount == 0, "no connection is left")
        require(kernel.slots.allSatisfy { $0 == nil }, "no slot of the file table is left")
        require(reactor.queuedLeaseCount == 0, "no lease is left in a queue")
        let leased = kernel.pool.leasedBufferCount
        if leased != 0 { trace.violate("no lease is out", SimulationTrace.none, leased) }
        tally.check(reactor.statistics, trace)
        for peer in peers { checkEnd(of: peer) }
    }

    private func checkEnd(of peer: ScriptedPeer) {
        guard let connection = peer.peer?.connection else { return }
        peer.readToEnd()
        let ledger = connection.ledger
        guard peer.plan.isProper, ledger.isServed else { return }
        require(peer.end != .nothing && peer.end != nil, "each peer learns how it ends", connection)
        guard peer.end == .endOfStream else { return }
        require(
            peer.readByteCount == connection.outbound.writtenByteCount
                && peer.readByteCount == ledger.receivedByteCount + ledger.lostByteCount,
            "what was received is echoed before the end of the stream", connection)
        if drainTime == nil || ledger.hasEnded && !ledger.hasShutWrite, !ledger.isEnding, ledger.possibleCauses.isEmpty
        {
            require(peer.readByteCount == peer.sentByteCount, "who ends properly gets everything back", connection)
        }
    }

    private func microseconds(_ seconds: Double) -> Int { Int(seconds * 1e6) }
}
