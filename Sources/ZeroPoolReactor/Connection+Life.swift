internal import Glibc

/// How connections are accepted and refused.
extension Reactor {
    /// Serves the connections of the ring's listener. Its thread only, once.
    package func serve(_ handler: @escaping Handler) {
        precondition(service == nil, "a reactor serves one address")
        service = Service(handler: handler)
        guard !isDraining else { return endAccepting() }
        accept = .armed
        ring.armAccept()
    }

    func accepted(_ number: ConnectionNumber) {
        guard admission.tryEnter() else {
            ring.close(number)
            return countRefusal()
        }
        let connection = Connection(number, of: self, isAccepted: true)
        connections.insert(connection)
        openCount += 1
        if admission.asksForAddresses {
            connection.phase = .held
            ring.identify(number)
        } else {
            begin(connection)
        }
    }

    /// The address is nil when the peer is gone or can't be identified. Such a connection is refused: a limit per
    /// address could not count it.
    func identified(_ number: ConnectionNumber, _ address: PeerAddress?) {
        guard let address, admission.tryEnter(from: address) else {
            ring.close(number)
            connections[number].phase = .closed
            countRefusal()
            return left(number)
        }
        peerAddresses[number] = address
        connections[number].phase = .serving
        begin(connections[number])
    }

    private func begin(_ connection: Connection) {
        counts.value.connections.accepted += 1
        connection.updateReceiving()
        connection.task = Task(executorPreference: self) { await connection.runHandler() }
        if isCut { connection.cut(.cut) }
    }

    private func countRefusal() {
        counts.value.connections.refused += 1
        hasRefused = true
    }

    /// Releases everything that a closed connection held.
    func closed(_ connection: Connection) {
        queues.value.removeAll(from: connection.inbox)
        queues.value.removeAll(from: connection.outbox)
        connection.inbox = LeaseQueues.Queue()
        connection.outbox = LeaseQueues.Queue()
        left(connection.number, isAccepted: connection.isAccepted)
    }

    /// Stops counting a connection. Its number will soon be free, so there is room for another.
    private func left(_ number: ConnectionNumber, isAccepted: Bool = true) {
        connections.remove(number)
        openCount -= 1
        guard isAccepted else { return resumeAccepting() }
        admission.leave()
        if admission.asksForAddresses, let address = peerAddresses.removeValue(forKey: number) {
            admission.leave(to: address)
        }
        resumeAccepting()
    }

    func acceptEnded(_ errno: Int32) {
        if isDraining { return endAccepting() }
        switch errno {
        case 0, ECONNABORTED, EINTR, ECANCELED, EPROTO, ENETDOWN, EHOSTDOWN, ENETUNREACH, EHOSTUNREACH, ENONET:
            // The kernel ended the accept without a reason, or a single connection failed and not the listener.
            ring.armAccept()
        case EBADF, EINVAL, ENOTSOCK, EFAULT, EOPNOTSUPP:
            failure = .system("accept", errno: errno)
        default:
            // No room (EMFILE, ENFILE, ENOMEM, ENOBUFS), or a filter (EPERM, EACCES).
            // The kernel accepts first, then looks for a slot in the table: it has dropped this connection.
            if errno == ENFILE { counts.value.connections.refused += 1 }
            if hasRefused {
                // The table is full of connections that were refused: their closes precede this accept in the queue.
                hasRefused = false
                ring.armAccept()
            } else {
                // Retrying at once would spin.
                accept = .paused
                guard !isAcceptTimerSet else { return }
                isAcceptTimerSet = true
                ring.setTimer(.accept, seconds: 0.1)
            }
        }
    }

    func acceptTimerTicked() {
        isAcceptTimerSet = false
        resumeAccepting()
    }

    /// Tries again to accept after a pause for lack of room.
    private func resumeAccepting() {
        guard accept == .paused else { return }
        accept = .armed
        ring.armAccept()
    }

    /// Stops listening once no accept is in flight: peers in the listener's queue are refused, and later ones too.
    func endAccepting() {
        accept = .ended
        ring.closeListener()
    }
}

/// Connections that begin here.
extension Reactor {
    /// Connects to `address`, and calls `body` with the connection in the calling task.
    ///
    /// Afterwards the connection ends as a served one does: what was enqueued is sent, the write side is shut down,
    /// and it is closed at the peer's end of stream or after ``ConnectionLimits/lingerSeconds``. This goes on after
    /// the call has returned; ``Connection/flush(to:deadline:)`` waits for what was sent. When `body` throws, the
    /// connection is closed at once, by a reset where bytes are lost.
    ///
    /// Throws what `body` throws, and an ``IOError`` when the address refuses (`ECONNREFUSED`), can't be reached,
    /// does not answer before `deadline`, when the task is cancelled, and when no slot of the file table is free
    /// (`ENFILE`). A draining reactor leaves the connection to `body` until it cuts. Its thread only: elsewhere it
    /// traps. Cost: three operations of the ring and a system call for the socket.
    public nonisolated(nonsending) func withConnection<Result>(
        to address: SocketAddress, deadline: Deadline? = nil,
        _ body: nonisolated(nonsending) (Connection) async throws -> Result
    ) async throws -> Result {
        let connection = try await connect(to: address, deadline)
        do {
            let result = try await body(connection)
            connection.handlerEnded(nil)
            return result
        } catch {
            connection.handlerEnded(error)
            throw error
        }
    }

    private nonisolated(nonsending) func connect(
        to address: SocketAddress, _ deadline: Deadline?
    ) async throws(IOError) -> Connection {
        let outcome = try await perform(.connect(address), .connect, deadline: deadline, isLong: true)
        guard outcome.result >= 0 else { throw IOError(.connect, errno: -outcome.result) }
        let connection = Connection(ConnectionNumber(outcome.result), of: self, isAccepted: false)
        connections.insert(connection)
        openCount += 1
        connection.updateReceiving()
        // The cut missed it while it was connecting.
        if isCut { connection.cut(.cut) }
        return connection
    }
}

/// How a connection ends: its handler returns, it fails, or its reactor stops.
extension Connection {
    /// The whole of the handler's task. (Its captures take memory per connection, so it captures only the
    /// connection.)
    nonisolated(nonsending) func runHandler() async {
        guard let handler = reactor.service?.handler else { return handlerEnded(nil) }
        taskIdentity = .current
        do {
            try await handler(self)
            handlerEnded(nil)
        } catch {
            handlerEnded(error)
        }
    }

    /// The handler has ended. `error` is what it threw.
    func handlerEnded(_ error: (any Error)?) {
        task = nil
        taskIdentity = .none
        if let error, !isFailed {
            fail(error as? IOError ?? IOError(.receive, .reset))
        }
        guard phase == .serving else { return }
        phase = .finishing
        if !isFailed { dropInbox() }
        // Resume tasks that the handler has left behind.
        resumeReceiver()
        resumeSender()
        advance()
    }

    /// Ends the operations and drops the queues. Current and later awaits throw `error`.
    func fail(_ error: IOError) {
        guard !isFailed, phase != .closed else { return }
        failure = error
        if error.reason == .system { reactor.counts.value.connections.failed += 1 }
        if unreadByteCount > 0 || output.unsentByteCount > 0 || output.unreleasedCount > 0 || isWithinMessage {
            losesBytes = true
        }
        dropInbox()
        dropOutbox()
        resumeReceiver()
        resumeSender()
        task?.cancel()
        endReceiving()
        if output.isSending, !output.isCancelled {
            output.isCancelled = true
            reactor.ring.cancelSend(number)
        }
    }

    /// Fails the connection because the handler can't do what it promised its peer.
    package func fail(_ operation: IOError.Operation, errno: Int32) {
        reactor.requireThread()
        losesBytes = true
        fail(IOError(operation, errno: errno))
    }

    /// Ends the connection because of a limit. - Returns: false when it is already ending.
    @discardableResult
    func cut(_ reason: IOError.Reason) -> Bool {
        guard !isFailed, phase != .closed else { return false }
        fail(IOError(receiveWaiter.isWaiting ? .receive : .send, reason))
        advance()
        return true
    }

    /// Receives nothing more for the handler, because the server stops.
    func drain() {
        guard isAccepted else { return }
        if phase == .serving {
            endReceiving()
            if isInputOver { resumeReceiver() }
        }
        advance()
    }

    /// Takes the next step after a change of state.
    func advance() {
        switch phase {
        case .held, .closed: break
        case .serving: if !isFailed { updateReceiving() }
        case .finishing, .discarding: isFailed ? advanceFailed() : advanceFinishing()
        }
    }

    private func advanceFinishing() {
        if phase == .finishing {
            guard output.queuedCount == 0, output.unreleasedCount == 0 else { return }
            if !isInputEnded, !output.isShutDown { shutDownWriting() }
            phase = .discarding
            let seconds = isInputEnded ? nil : reactor.limits.connection.lingerSeconds
            let deadline = seconds.map { reactor.deadline(afterSeconds: $0) }
            receiveWaiter.setLinger(deadline)
        }
        if isLingeringOver { endReceiving() } else { updateReceiving() }
        guard isInputEnded || isLingeringOver, reception == .idle, !output.isHalfClosing else { return }
        close(byReset: false)
    }

    private func advanceFailed() {
        guard reception == .idle, !output.isSending, !output.isHalfClosing else { return }
        close(byReset: losesBytes)
    }

    private func close(byReset: Bool) {
        phase = .closed
        if byReset {
            // Counted only here: bytes in flight at the cut may have been sent after all.
            if reactor.isDraining, failure?.reason != .system { reactor.counts.value.connections.cut += 1 }
            reactor.ring.reset(number)
        } else {
            reactor.ring.close(number)
        }
        reactor.closed(self)
    }

    /// Whether it has waited long enough for the peer's end of stream.
    var isLingeringOver: Bool { phase == .discarding && receiveWaiter.isLingerOver(at: reactor.tick) }

    /// Ends the waits whose deadline has passed.
    func look(at tick: UInt32) {
        if receiveWaiter.isExpired(at: tick) { resumeReceiver(.expired) }
        if sendWaiter.isExpired(at: tick) { resumeSender(.expired) }
        if isLingeringOver { advance() }
    }

    private func dropInbox() {
        guard inboxCount > 0 else { return }
        // They were counted as received, but no handler took them.
        reactor.counts.value.bytes.received -= unreadByteCount
        reactor.counts.value.bytes.discarded += unreadByteCount
        let queue = inbox
        inbox = LeaseQueues.Queue()
        reactor.queues.value.removeAll(from: queue)
        inboxCount = 0
        unreadByteCount = 0
    }

    private func dropOutbox() {
        guard !outbox.isEmpty else { return }
        let queue = outbox
        outbox = LeaseQueues.Queue()
        reactor.queues.value.removeAll(from: queue)
        output.queuedCount = output.isSending ? 1 : 0
    }

    /// Ends the connection of a dead ring, on which nothing completes any more.
    func abandon() {
        // Nothing is asked of a dead ring.
        if reception == .waiting { reactor.waiting.value.remove(number) }
        reception = .idle
        output.isCancelled = true
        fail(IOError(.receive, .ended))
        phase = .closed
        reactor.closed(self)
    }
}
