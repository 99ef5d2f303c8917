/// What happens when buffers run out: a state like others.
///
/// - Who finds none waits in line, and so does who would receive while others wait. A turn lets as many go on as there are
///   buffers, each for one buffer; then it lines up again. So nobody takes a second before the last in line had a first.
/// - When the pool itself has none, buffers are scarce: a connection then holds one at a time, and gets it only when there
///   is room to send back what it will bring. While somebody waits, those whose peers have taken no whole buffer for the
///   stall time are cut, the longest stalled first.
extension Reactor {
    /// Lets as many connections receive as there are buffers, the longest waiting first.
    @inline(__always)
    func feedWaiting() {
        if !waiting.isEmpty || scarcity != nil || service.waitingCount > 0 { feed() }
    }

    @inline(never)
    private func feed() {
        service.feed(self)
        var available = ring.availableBufferCount
        let isShort = service.waitingCount > 0 || available == 0 && !waiting.isEmpty
        if isShort, scarcity == nil { beginScarcity() }
        while available > 0, let number = waiting.popFirst() {
            unsafe slots[Int(number)].connection.reception.fed()
            advance(number, isItsTurn: true)
            // Who owes too much by now receives later, and leaves the buffer to the next.
            if unsafe slots[Int(number)].connection.receive == .armedForOne { available -= 1 }
        }
        scarcity?.turned(unservedCount: waiting.count + service.waitingCount)
    }

    private func beginScarcity() {
        scarcity = Scarcity()
        unsafe statistics.scarcities += 1
        unsafe connectionLimits = limits.connection.scarce
        // Those who owe no longer receive.
        advanceAll()
        setScarcityTimer()
    }

    private func endScarcity() {
        scarcity = nil
        unsafe connectionLimits = limits.connection
        // Those who owe a little receive again.
        advanceAll()
    }

    /// A timer of a scarcity that is over may still run, and then serves the next.
    private func setScarcityTimer() {
        guard !isScarcityTimerSet else { return }
        isScarcityTimerSet = true
        ring.setTimer(.scarcity, seconds: TurnHistory.tickSeconds(of: limits.stallSeconds))
    }

    func scarcityTimerTicked() {
        isScarcityTimerSet = false
        guard scarcity != nil else { return }
        let missingCount = scarcity?.unservedCount ?? 0
        let stalledTurn = unsafe scarcity?.tick(turn: turn)
        if let stalledTurn { cutStalled(since: stalledTurn, missingCount: missingCount) }
        if scarcity?.isOver == true { endScarcity() } else { setScarcityTimer() }
    }

    /// Cuts debtors, the longest stalled first, until `missingCount` buffers come back.
    private func cutStalled(since turn: Int, missingCount: Int) {
        var debtors = (0..<usedSlotCount).filter { index in
            unsafe slots[index].isOpen && slots[index].connection.isDebtor && slots[index].lastTurn <= turn
        }
        debtors.sort { unsafe slots[$0].lastTurn < slots[$1].lastTurn }
        var missingCount = missingCount
        for index in debtors {
            guard missingCount > 0 else { break }
            missingCount -= unsafe slots[index].connection.transmission.leaseCount
            if unsafe slots[index].connection.cut() { unsafe statistics.connections.stalled += 1 }
            advance(ConnectionNumber(index))
        }
    }

    private func advanceAll() {
        forEachOpenConnection { advance($0) }
    }
}
