/// How connections end that do not end of themselves, and how the reactor does.
extension Reactor {
    // MARK: Idle connections

    func setIdleTimer() {
        guard limits.idleSeconds > 0 else { return }
        ring.setTimer(.idle, seconds: TurnHistory.tickSeconds(of: limits.idleSeconds))
    }

    func idleTimerTicked() {
        if let idleTurn = unsafe idleHistory.tick(turn: turn) {
            for index in 0..<usedSlotCount where unsafe slots[index].isOpen && slots[index].lastTurn <= idleTurn {
                if unsafe slots[index].connection.cut() { unsafe statistics.connections.idle += 1 }
                advance(ConnectionNumber(index))
            }
        }
        setIdleTimer()
    }

    // MARK: Stopping

    func drain() {
        isDraining = true
        switch accept {
        case .armed: ring.cancelAccept()
        case .paused: endAccepting()
        case .ended: break
        }
        ring.setTimer(.drain, seconds: limits.drainSeconds)
        for index in 0..<usedSlotCount where unsafe slots[index].isOpen {
            unsafe slots[index].connection.drain()
            advance(ConnectionNumber(index))
        }
    }

    /// The drain time is over, or a second signal came.
    func cutAll() {
        guard isDraining, !isCut else { return }
        isCut = true
        for index in 0..<usedSlotCount where unsafe slots[index].isOpen {
            cut(ConnectionNumber(index))
        }
    }

    func cut(_ number: ConnectionNumber) {
        _ = unsafe slots[Int(number)].connection.cut()
        advance(number)
    }
}
