import Glibc
import ZeroPool

@testable import ZeroPoolReactor

/// What a reactor with echo handlers promises, checked at every step against books of its own. Rules of the ring's use are `SimulatedRing`'s.
final class SimulationModel: RingObserver {
    let kernel: SimulatedKernel
    let trace: SimulationTrace
    let scenario: Scenario
    /// What is tested.
    var reactor: Reactor?

    private(set) var turn = 0
    /// The event that is being handed over makes the reactor cut connections for this reason.
    var cuttingCause: Ledger.Cause?
    /// Connections of this turn's events.
    var touched: [SimulatedConnection] = []
    var line = ModelledLine()

    var openCount = 0
    /// Leases that handlers have in hand.
    var handlerLeaseCount = 0
    var openCountsByAddress: [PeerAddress: Int] = [:]
    private(set) var drainTime: Int?
    private(set) var cutTime: Int?
    var receiveArms = SpinGuard(microseconds: 20_000)
    var acceptArms = SpinGuard(microseconds: 20_000)
    var isAccepting = false
    /// A connection has ended while accepting was given up: there is room again.
    var hasRoom = false
    /// Since when somebody could be accepted, and nobody accepts.
    var unacceptedSince: Int?
    /// When somebody last waited for a buffer.
    var lastWaitingTime = 0
    var lastWaitingTurn = 0
    var wasScarce = false
    var memory: MemoryModel
    /// What statistics should say in the end.
    private(set) var tally = Tally()

    init(_ scenario: Scenario, _ kernel: SimulatedKernel) {
        self.scenario = scenario
        self.kernel = kernel
        trace = kernel.trace
        memory = MemoryModel(trimSeconds: scenario.limits.trimSeconds, trace: trace)
    }

    func require(_ isRight: Bool, _ rule: StaticString, _ connection: SimulatedConnection? = nil) {
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
        require(
            isBehind(ledger) || handlerWaits(connection),
            "receiving goes on when half of the limit is left, or the handler waits with nothing unread", connection)
        guard let reactor else { return }
        require(
            extent != .multishot
                || ledger.queuedLeaseCount - ledger.handlerLeaseCount <= 1 && reactor.waiting.value.isEmpty,
            "who lags, or receives while others wait, gets one buffer", connection)
        require(
            reactor.scarcity == nil || extent == .oneBufferOnceWritable,
            "where buffers are scarce, nobody gets one whose echo has no room", connection)
    }

    var limits: ConnectionLimits {
        reactor?.scarcity == nil ? scenario.limits.connection : scenario.limits.connection.scarce
    }

    /// Whether so little is unread and unsent that receiving should go on. What the handler has in hand is its own affair.
    func isBehind(_ ledger: Ledger) -> Bool {
        let limits = limits
        return ledger.heldLeaseCount - ledger.handlerLeaseCount <= limits.unreadBufferCount / 2
            && ledger.owedByteCount - ledger.handlerByteCount <= limits.unreadByteCount / 2
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
        let isEnding = ledger.isEnding
        require(ledger.hasEnded || isEnding || !ledger.isServed, "no connection ends without a reason", connection)
        if isReset, let cause = ledger.cause, cause != .failure, drainTime != nil { tally.cutWithLoss += 1 }
        require(isReset || !losesBytes, "no end of stream hides lost bytes", connection)
        require(
            !isReset || losesBytes || ledger.owedAtFailure || ledger.cause == .handler,
            "a reset is for who loses bytes", connection)
        if !isEnding { require(!isReset, "who ends properly gets everything back", connection) }
    }

    /// The reactor cuts a connection: may it?
    func cut(_ connection: SimulatedConnection, _ cause: Ledger.Cause) {
        guard !connection.ledger.isEnding, connection.ledger.isOpen else { return }
        connection.ledger.cause = cause
        connection.ledger.cutTurn = turn
        dropsUnread(connection)
        let ledger = connection.ledger
        tally.cut(cause)
        let age = kernel.now - ledger.lastActivity
        switch cause {
        case .idleness:
            require(scenario.limits.connection.idleSeconds > 0, "without a limit nobody is idle too long", connection)
            require(
                age >= microseconds(scenario.limits.connection.idleSeconds), "who is cut for idleness was idle",
                connection)
        case .stall:
            require(
                age >= microseconds(scenario.limits.connection.stallSeconds), "who is cut for stalling has stalled",
                connection)
            require(ledger.isSending || ledger.unreleasedCount > 0, "only debtors are cut for stalling", connection)
            require(lastWaitingTurn == turn, "nobody is cut for stalling unless others wait for buffers", connection)
        case .drainEnd, .failure, .handler: break
        }
    }

    /// A connection fails: what the handler has not taken is dropped, and what is not sent is lost.
    func dropsUnread(_ connection: SimulatedConnection) {
        let ledger = connection.ledger
        connection.ledger.owedAtFailure = ledger.owedByteCount > 0 || ledger.unreleasedCount > 0
        guard ledger.isServed else { return }
        let takenCount = hasSeveralSends ? ledger.isSending ? 1 : 0 : ledger.takenLeaseCount
        let takenByteCount = ledger.unsentByteCounts.prefix(takenCount).reduce(0, +) + ledger.handlerByteCount
        let unreadByteCount = ledger.owedByteCount - takenByteCount
        if hasSeveralSends {
            tally.bytesUnsure += unreadByteCount
        } else {
            tally.bytesDiscarded += unreadByteCount
        }
    }

    /// Whether handlers may have any number of leases queued.
    var hasSeveralSends: Bool { scenario.handler == .children }

    // MARK: Turns

    func setMemoryTimer(isAboveRest: Bool) { memory.setTimer(isAboveRest: isAboveRest) }
    func trimmedMemory() { memory.trimmed() }
    func beganRest() { memory.beganRest() }

    func turned(isPolling: Bool) {
        if let reactor {
            require(
                isPolling || reactor.waiting.value.isEmpty || reactor.ring.availableBufferCount == 0,
                "the loop does not sleep while somebody waits for buffers that are there")
            require(isPolling || reactor.readyJobCount == 0, "the loop does not sleep while a task is ready")
            // Those who have lined up in tasks of this turn: in which order, nobody saw.
            if !reactor.waiting.value.isEmpty { line.join(kernel.slots.compactMap { $0 }.filter(isWaiting)) }
        }
        turn += 1
        line.clear(isWaiting: isWaiting)
        let connectionLimits = scenario.limits.connection
        for connection in touched {
            connection.ledger.handlerRan()
            let ledger = connection.ledger
            // What a handler sends out of its hand counts from the next bytes that come in on.
            guard !hasSeveralSends, ledger.isReceiveMultishot, ledger.isReceiving, !ledger.isReceiveCancelled,
                !ledger.hasShutWrite,
                !ledger.isEnding
            else {
                continue
            }
            require(
                ledger.heldLeaseCount - ledger.handlerLeaseCount < connectionLimits.unreadBufferCount
                    && ledger.owedByteCount - ledger.handlerByteCount < connectionLimits.unreadByteCount
                    || handlerWaits(connection),
                "receiving pauses at the limit", connection)
        }
        touched.removeAll(keepingCapacity: true)
        checkLeases()
        checkDrain()
        checkAccepting()
        checkScarcity()
        memory.turned(isAboveRest: kernel.isAboveRest)
        let patience = drainTime.map { $0 + microseconds(scenario.limits.drainSeconds) + 200_000 } ?? .max
        require(kernel.now <= patience || cutTime != nil, "the drain time is kept")
        if let cutTime { require(kernel.now <= cutTime + 200_000, "after the cut all connections end at once") }
    }

    func checkDrain() {
        guard drainTime != nil else { return }
        for case .some(let connection) in kernel.slots {
            let ledger = connection.ledger
            require(
                !ledger.isReceiving || ledger.isReceiveCancelled || ledger.hasShutWrite || ledger.isEnding,
                "who drains receives only to discard", connection)
        }
    }

    func checkAccepting() {
        guard drainTime == nil else { return }
        require(!hasRoom, "accepting goes on when a connection ends")
        guard !kernel.backlog.isEmpty, kernel.shortageErrno == nil, !isAccepting else { return unacceptedSince = nil }
        let since = unacceptedSince ?? kernel.now
        unacceptedSince = since
        require(kernel.now - since < 200_000, "accepting goes on after a while")
    }

    func checkLeases() {
        guard let reactor else { return }
        let out = kernel.pool.leasedBufferCount
        let known = kernel.leaseCount + reactor.queuedLeaseCount + handlerLeaseCount
        // Each operation may have one for its task, which has not run since.
        guard !(known...known + reactor.operations.value.count).contains(out) else { return }
        trace.violate("leases are with the kernel, in a queue or with a handler", SimulationTrace.none, out - known)
    }

    // MARK: Events

    func willHandOver(_ event: PendingEvent) {
        switch event {
        case .accepted(let connection): willAccept(connection)
        case .identified(let connection, let address): willIdentify(connection, address)
        case .received(let connection, let lease): willReceive(connection, lease.byteCount)
        case .receiveEnded(let connection, let errno, let isEndOfStream):
            touched.append(connection)
            if isEndOfStream { receiveArms.progress(now: kernel.now) }
            connection.ledger.readableSince = nil
            if errno == ENOBUFS, !connection.ledger.isEnding {
                if connection.ledger.isReceiveCancelled { tally.starvedAndCancelled += 1 } else { tally.starved += 1 }
            }
            if errno != 0, errno != ENOBUFS, errno != ECANCELED, errno != EINTR { fails(connection) }
        case .sent(let connection, let lease, let byteCount): willSend(connection, lease == nil, byteCount)
        case .sendFailed(let connection, let lease, _):
            touched.append(connection)
            if lease == nil { connection.ledger.unreleasedCount += 1 }
            fails(connection)
        case .released(let connection, _, _):
            connection.ledger.unreleasedCount -= 1
            if !connection.ledger.isClosed { moved(connection) }
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
        case .timer(.accept), .timer(.deadline), .halfClosed, .withdrawn, .completed, .woken: break
        }
    }

    func willAccept(_ connection: SimulatedConnection) {
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

    func willIdentify(_ connection: SimulatedConnection, _ address: PeerAddress?) {
        guard let address, openCountsByAddress[address, default: 0] < scenario.maxConnectionCountPerAddress ?? .max
        else {
            connection.ledger.isRefused = true
            return tally.refused += 1
        }
        serves(connection)
    }

    func serves(_ connection: SimulatedConnection) {
        connection.ledger.isServed = true
        // After the cut it is cut as soon as it is there, and owes nothing.
        if cutTime != nil { connection.ledger.cause = .drainEnd }
        openCountsByAddress[connection.address, default: 0] += 1
        tally.accepted += 1
    }

    func willReceive(_ connection: SimulatedConnection, _ byteCount: Int) {
        touched.append(connection)
        checkLiveness(connection)
        moved(connection)
        receiveArms.progress(now: kernel.now)
        connection.ledger.readableSince = connection.inbound.unreadByteCount > 0 ? kernel.now : nil
        tally.bytesHandedOver += byteCount
        if connection.ledger.hasShutWrite || connection.ledger.isEnding {
            tally.bytesDiscarded += byteCount
            if !connection.ledger.hasShutWrite { connection.ledger.lostByteCount += byteCount }
        } else {
            connection.ledger.receivedByteCount += byteCount
            connection.ledger.receivedLeaseCount += 1
            connection.ledger.unsentByteCounts.append(byteCount)
        }
    }

    func willSend(_ connection: SimulatedConnection, _ isKept: Bool, _ byteCount: Int) {
        touched.append(connection)
        moved(connection)
        receiveArms.progress(now: kernel.now)
        tally.bytesSent += byteCount
        let isWhole = byteCount == connection.ledger.sendingByteCount
        connection.ledger.sendingByteCount -= byteCount
        connection.ledger.sent(byteCount: byteCount, isWhole: isWhole)
        if isKept {
            connection.ledger.unreleasedCount += 1
            if !isWhole { fails(connection) }
        }
    }

    /// A handler has got a lease, or lets one go.
    func handler(of connection: SimulatedConnection, holds leaseCount: Int, byteCount: Int) {
        handlerLeaseCount += leaseCount
        connection.ledger.handlerLeaseCount += leaseCount
        connection.ledger.handlerByteCount += byteCount
    }

    func moved(_ connection: SimulatedConnection) {
        connection.ledger.lastTurn = turn
        connection.ledger.lastActivity = kernel.now
    }

    func fails(_ connection: SimulatedConnection) {
        connection.ledger.hasFailed = true
        guard connection.ledger.cause == nil else { return }
        connection.ledger.cause = .failure
        dropsUnread(connection)
        tally.failed += 1
    }

    func cutsAll() {
        cuttingCause = .drainEnd
        if cutTime == nil { cutTime = kernel.now }
    }

    /// Whether the handler waits with nothing unread, and may have a buffer beyond the limits.
    func handlerWaits(_ connection: SimulatedConnection) -> Bool {
        let ledger = connection.ledger
        // Memory that the kernel still reads is bounded all the same.
        guard ledger.unreleasedCount < scenario.limits.connection.unreadBufferCount else { return false }
        let unsentCount = ledger.queuedLeaseCount - ledger.handlerLeaseCount
        if unsentCount == 0 { return true }
        // Where buffers are scarce, one at a time; and an echo with two unsent waits for them, not for more.
        guard let reactor, reactor.scarcity == nil, hasSeveralSends || unsentCount == 1 else { return false }
        guard ledger.isOpen, let slot = connection.slot else { return false }
        let state = reactor.connections[slot]
        return state.receiveWaiter.isWaiting && state.inboxCount == 0
    }

    // MARK: What is asked of the reactor

    /// The reactor is told to drain, now.
    func drains() { drainTime = drainTime ?? kernel.now }

    /// The reactor is told to end a drain: around the call.
    func cuts(_ body: () -> Void) {
        cutsAll()
        body()
        notesCuts()
        cuttingCause = nil
    }

    /// A connection's handler ends it: around the call.
    func handlerEnds(_ connection: SimulatedConnection, _ body: () -> Void) {
        guard !connection.ledger.isEnding else {
            connection.ledger.owedAtFailure = true
            return body()
        }
        cuttingCause = .handler
        body()
        notesCuts()
        cuttingCause = nil
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
                connection.ledger.isClosed == connection.ledger.isRefused,
                "the limit of an address refuses, and nobody else", connection)
            if connection.ledger.isServed { checkReceiving(connection) }
        case .receiveEnded(let connection, _, _), .sent(let connection, _, _), .released(let connection, _, _):
            checkReceiving(connection)
        case .timer(.idle):
            notesCuts()
            checkIdleness()
        case .timer(.scarcity):
            notesCuts()
            // The end of scarcity lets everybody go on at once, into the line where somebody waits.
            line.join(kernel.slots.compactMap { $0 }.filter(isWaiting))
            checkStallOrder()
            checkScarcityEnd()
        case .timer(.drain): notesCuts()
        default: break
        }
        cuttingCause = nil
        memory.handedOver(event)
    }

    /// Who owes little receives again, or waits for a buffer.
    func checkReceiving(_ connection: SimulatedConnection) {
        if isWaiting(connection) { return line.join([connection]) }
        let ledger = connection.ledger
        guard ledger.isOpen, !ledger.isEnding, !ledger.hasEnded, drainTime == nil, !ledger.isReceiving else { return }
        // What it has in hand, the handler may still send: that is known when it wants more.
        require(!isBehind(ledger) || ledger.handlerLeaseCount > 0, "who owes little receives", connection)
    }

    /// Some cuts show in nothing that the reactor asks for: there is nothing under way, or it ends already.
    func notesCuts() {
        guard let reactor, let cuttingCause else { return }
        for case .some(let connection) in kernel.slots where connection.ledger.isOpen && !connection.ledger.isEnding {
            guard let slot = connection.slot, reactor.connections[slot].isFailed else { continue }
            cut(connection, cuttingCause)
        }
    }
}
