/// How a connection ends: its handler returns, it fails, or its reactor stops.
extension Connection {
    /// The whole of the handler's task. (What it captures stands in memory for each connection, so that is the connection.)
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
        // Tasks that the handler has left behind.
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

    /// The handler can't do what it promised its peer.
    package func fail(_ operation: IOError.Operation, errno: Int32) {
        reactor.requireThread()
        losesBytes = true
        fail(IOError(operation, errno: errno))
    }

    /// A limit has passed. - Returns: false when the connection ends already.
    @discardableResult
    func cut(_ reason: IOError.Reason) -> Bool {
        guard !isFailed, phase != .closed else { return false }
        fail(IOError(receiveWaiter.isWaiting ? .receive : .send, reason))
        advance()
        return true
    }

    /// The server stops: nothing more is received for the handler.
    func drain() {
        guard isAccepted else { return }
        if phase == .serving {
            endReceiving()
            if isInputOver { resumeReceiver() }
        }
        advance()
    }

    /// Does what is next, after something has changed.
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
            let deadline = seconds.map { reactor.deadline(after: .seconds($0)) }
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
            // Counted here: what was in flight when it was cut may have gone out after all.
            if reactor.isDraining, failure?.reason != .system { reactor.counts.value.connections.cut += 1 }
            reactor.ring.reset(number)
        } else {
            reactor.ring.close(number)
        }
        reactor.closed(self)
    }

    /// Whether it has waited long enough for the peer's end of stream.
    var isLingeringOver: Bool { phase == .discarding && receiveWaiter.isLingerOver(at: reactor.tick) }

    /// A deadline may have passed.
    func look(at tick: UInt32) {
        if receiveWaiter.isExpired(at: tick) { resumeReceiver(.expired) }
        if sendWaiter.isExpired(at: tick) { resumeSender(.expired) }
        if isLingeringOver { advance() }
    }

    private func dropInbox() {
        guard inboxCount > 0 else { return }
        // They were for a handler, which did not take them.
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

    /// The ring is dead: nothing will complete any more.
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
