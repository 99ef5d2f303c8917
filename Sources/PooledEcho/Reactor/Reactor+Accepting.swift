import Glibc

/// How connections come in, and are refused.
extension Reactor {
    func accepted(_ number: ConnectionNumber) {
        guard admission.tryEnter() else {
            ring.close(number)
            return countRefusal()
        }
        let index = Int(number)
        while usedSlotCount <= index {
            unsafe (slots + usedSlotCount).initialize(to: Slot(connection: Server.Connection(isHeld: false)))
            usedSlotCount += 1
        }
        unsafe slots[index] = Slot(connection: Server.Connection(isHeld: admission.asksForAddresses))
        unsafe slots[index].isOpen = true
        unsafe slots[index].lastTurn = turn
        openCount += 1
        service.accepted(number, of: self)
        if admission.asksForAddresses {
            ring.identify(number)
        } else {
            begins(number)
        }
    }

    /// Nil for a peer that is gone, or can't be told: where each address has a limit, nobody comes in without one.
    func identified(_ number: ConnectionNumber, _ address: PeerAddress?) {
        guard let address, admission.tryEnter(from: address) else {
            ring.close(number)
            unsafe slots[Int(number)].isOpen = false
            countRefusal()
            return left(number)
        }
        addresses[number] = address
        service.identified(number, address)
        unsafe slots[Int(number)].connection.reception.identified()
        begins(number)
    }

    private func begins(_ number: ConnectionNumber) {
        unsafe statistics.connections.accepted += 1
        if isDraining { unsafe slots[Int(number)].connection.drain() }
        if isCut { cut(number) } else { advance(number) }
    }

    private func countRefusal() {
        unsafe statistics.connections.refused += 1
        hasRefused = true
    }

    /// A connection is no longer counted, and its number will soon be free: there is room for another.
    func left(_ number: ConnectionNumber) {
        openCount -= 1
        admission.leave()
        if admission.asksForAddresses, let address = addresses.removeValue(forKey: number) {
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
            // The kernel accepts first, then looks for a slot in the table: it has dropped this one.
            if errno == ENFILE { unsafe statistics.connections.refused += 1 }
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

    /// Tries again to accept when that was given up for a while.
    private func resumeAccepting() {
        guard accept == .paused else { return }
        accept = .armed
        ring.armAccept()
    }

    /// Stops listening once no accept is under way: who waits in the listener's queue is refused, and who comes later.
    func endAccepting() {
        accept = .ended
        ring.closeListener()
    }
}
