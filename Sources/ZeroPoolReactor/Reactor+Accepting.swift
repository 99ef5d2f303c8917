internal import Glibc

/// How connections come in, and are refused.
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

    /// Nil for a peer that is gone or can't be told: where each address has a limit, nobody comes in without one.
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

    /// A connection is closed, and nothing of it is kept.
    func closed(_ connection: Connection) {
        queues.value.removeAll(from: connection.inbox)
        queues.value.removeAll(from: connection.outbox)
        connection.inbox = LeaseQueues.Queue()
        connection.outbox = LeaseQueues.Queue()
        left(connection.number, isAccepted: connection.isAccepted)
    }

    /// A connection is no longer counted, and its number will soon be free: there is room for another.
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
            // The kernel ended it without reason, or what failed was a connection, which is gone, and not the listener.
            ring.armAccept()
        case EBADF, EINVAL, ENOTSOCK, EFAULT, EOPNOTSUPP:
            failure = .system("accept", errno: errno)
        default:
            // No room (EMFILE, ENFILE, ENOMEM, ENOBUFS), or a filter (EPERM, EACCES).
            // The kernel accepts first, then looks for a slot in the table: it has dropped this connection.
            if errno == ENFILE { counts.value.connections.refused += 1 }
            if hasRefused {
                // The table is full of connections that were refused: their closing stands before this in the queue.
                hasRefused = false
                ring.armAccept()
            } else {
                // Trying at once would spin.
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

    /// Tries again to accept after a pause for want of room.
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
