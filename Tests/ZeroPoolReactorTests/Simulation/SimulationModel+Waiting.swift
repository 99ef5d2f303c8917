import Glibc
import ZeroPool
@testable import ZeroPoolReactor

/// What the model checks of connections that are idle, wait for buffers, or have ended.
extension SimulationModel {
    // MARK: Idleness

    func checkIdleness() {
        let limit = microseconds(scenario.limits.connection.idleSeconds * 1.3) + 1000 + 10 * kernel.parameters.timeGrain
        for case .some(let connection) in kernel.slots {
            let ledger = connection.ledger
            guard ledger.isOpen, ledger.isServed, !ledger.isEnding else { continue }
            require(kernel.now - ledger.lastActivity <= limit, "who is idle too long is closed", connection)
        }
    }

    // MARK: Waiting for buffers

    /// When scarcity has begun, whoever owes receives no more; when it has ended, whoever owes little receives again.
    func checkScarcity() {
        guard let reactor else { return }
        if !reactor.waiting.value.isEmpty || !reactor.bufferLine.isEmpty {
            (lastWaitingTime, lastWaitingTurn) = (kernel.now, turn)
        }
        let isScarce = reactor.scarcity != nil
        guard isScarce != wasScarce else { return }
        wasScarce = isScarce
        for case .some(let connection) in kernel.slots {
            let ledger = connection.ledger
            if isScarce {
                let isLetGo =
                    ledger.isReceiveCancelled || handlerWaits(connection) || drainTime != nil || ledger.isEnding
                require(
                    !ledger.isReceiving || !ledger.isReceiveMultishot || isLetGo,
                    "where buffers are scarce, who owes receives no more", connection)
            } else if ledger.isServed {
                checkReceiving(connection)
            }
        }
    }

    func checkScarcityEnd() {
        let limit =
            microseconds(scenario.limits.connection.stallSeconds * 1.3) + 1000 + 10 * kernel.parameters.timeGrain
        require(
            reactor?.scarcity == nil || kernel.now - lastWaitingTime <= limit,
            "scarcity ends when nobody has waited for the stall time")
    }

    /// Whoever was cut had stalled at least as long as each debtor that was not.
    func checkStallOrder() {
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

    func isWaiting(_ connection: SimulatedConnection) -> Bool {
        guard let reactor, let slot = connection.slot, connection.ledger.isOpen else { return false }
        return reactor.connections[slot].reception == .waiting
    }

    /// It receives: nobody that waits longer may be passed by.
    func leaveLine(_ connection: SimulatedConnection) {
        line.leave(connection) { other in
            require(drainTime != nil || !isWaiting(other), "who waits longest for a buffer is next", other)
        }
    }

    /// Nobody who reads waits for long: each of those before it holds a buffer for the stall time at most.
    func checkLiveness(_ connection: SimulatedConnection) {
        let ledger = connection.ledger
        guard ledger.isPrompt, drainTime == nil, !ledger.isEnding, let since = ledger.readableSince else { return }
        let start = max(since, ledger.acceptTime, ledger.lastActivity)
        require(kernel.now - start <= patience, "who reads is served in bounded time", connection)
    }

    var patience: Int {
        let stallMicroseconds = microseconds(scenario.limits.connection.stallSeconds) + 10 * kernel.parameters.timeGrain
        let handlerMicroseconds = scenario.handler == .children ? 1_000_000 : 0
        return (scenario.peers.count + 2) * stallMicroseconds * 3 / 2 + 100_000 + handlerMicroseconds
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

    func checkEnd(of peer: ScriptedPeer) {
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
        if drainTime == nil || ledger.hasEnded && !ledger.hasShutWrite, !ledger.isEnding {
            require(peer.readByteCount == peer.sentByteCount, "who ends properly gets everything back", connection)
        }
    }

    func microseconds(_ seconds: Double) -> Int { Int(seconds * 1e6) }
}
