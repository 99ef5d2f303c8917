@testable import ZeroPoolReactor

/// The books of one connection, as the model keeps them: what the reactor asked for and was told.
struct Ledger {
    /// Why a connection may end before its peer ends it.
    enum Cause: Equatable {
        /// An operation of it failed.
        case failure
        /// Nothing came or went for the idle time.
        case idleness
        /// Its peer took nothing for the stall time, and others waited.
        case stall
        /// The drain time was over, or a second stop came.
        case drainEnd
        /// Its handler reset it, or cut it, at some moment.
        case handler
    }

    // Under way: noted, and the final event not handed over.
    var isReceiving = false
    var isReceiveCancelled = false
    var isReceiveMultishot = false
    var isSending = false
    var isHalfClosing = false
    var isIdentifying = false
    /// Bytes of the send under way.
    var sendingByteCount = 0

    /// Told: the peer's end of stream, the error of an operation.
    var hasEnded = false
    var hasFailed = false
    /// Asked for.
    var hasShutWrite = false
    var isClosed = false
    var isRefused = false
    /// Its peer reads all there is, soon.
    var isPrompt = false
    /// Counted by the model among the open ones.
    var isOpen = false
    /// Its place in the line of those who wait for buffers.
    var waitingTicket: Int?
    /// It was served: not refused.
    var isServed = false
    /// Known to end before its peer ends it, and why.
    var cause: Cause?
    /// It owed bytes when it failed: those are lost, also where the last send went out as a whole after all.
    var owedAtFailure = false
    /// What the handler has in hand: received, and not sent yet.
    var handlerLeaseCount = 0
    var handlerByteCount = 0

    /// Bytes and leases handed over that the server is to echo, and those that it sent.
    var receivedByteCount = 0
    var receivedLeaseCount = 0
    var sentByteCount = 0
    var sentLeaseCount = 0
    /// Bytes of each lease handed over and not wholly sent, the oldest first.
    var unsentByteCounts: [Int] = []
    /// As many of those, the oldest, an echo has taken and sent on.
    var takenLeaseCount = 0
    /// Zero-copy sends without a notification yet.
    var unreleasedCount = 0
    /// Handed over while it was not to be echoed any more: after the half-close, or when the connection had failed.
    var lateByteCount = 0
    /// Of those, bytes that nobody told the peer about.
    var lostByteCount = 0

    /// The turn and the time of the last event by which something came or went.
    var lastTurn = 0
    var lastActivity = 0
    var acceptTime = 0
    /// The turn in which it was cut.
    var cutTurn = 0
    /// Since when there is something to receive.
    var readableSince: Int?

    var owedByteCount: Int { receivedByteCount - sentByteCount }
    var queuedLeaseCount: Int { receivedLeaseCount - sentLeaseCount }
    var heldLeaseCount: Int { queuedLeaseCount + unreleasedCount }
    var isEnding: Bool { cause != nil || hasFailed }

    /// The handler has run: an echo goes on until it has two leases unsent.
    mutating func handlerRan() { takenLeaseCount = min(2, unsentByteCounts.count) }

    mutating func sent(byteCount: Int, isWhole: Bool) {
        sentByteCount += byteCount
        if isWhole {
            sentLeaseCount += 1
            unsentByteCounts.removeFirst()
            takenLeaseCount = max(0, takenLeaseCount - 1)
        } else {
            unsentByteCounts[0] -= byteCount
        }
    }

    mutating func becameReadable(at now: Int) {
        if readableSince == nil { readableSince = now }
    }
}

/// What the model saw, to be compared with the reactor's statistics.
struct Tally {
    var accepted = 0
    var refused = 0
    var failed = 0
    var idle = 0
    var stalled = 0
    var cutWithLoss = 0
    var starved = 0
    /// Receives that were cancelled and found no buffer: whether those wait, depends.
    var starvedAndCancelled = 0
    var bytesHandedOver = 0
    var bytesDiscarded = 0
    var bytesUnsure = 0
    var bytesSent = 0

    mutating func cut(_ cause: Ledger.Cause) {
        switch cause {
        case .idleness: idle += 1
        case .stall: stalled += 1
        case .drainEnd, .failure, .handler: break
        }
    }

    func check(_ statistics: ReactorStatistics, _ trace: SimulationTrace) {
        func require(_ value: Int, _ range: ClosedRange<Int>, _ rule: StaticString) {
            guard !range.contains(value) else { return }
            trace.note("the model saw at least", SimulationTrace.none, range.lowerBound)
            trace.violate(rule, SimulationTrace.none, value)
        }
        let connections = statistics.connections
        require(connections.accepted, accepted...accepted, "accepted connections are counted")
        require(connections.refused, refused...refused, "refused connections are counted")
        require(connections.failed, failed...failed, "failed connections are counted")
        require(connections.idle, idle...idle, "idle connections are counted")
        require(connections.stalled, stalled...stalled, "stalled connections are counted")
        require(connections.cut, cutWithLoss...cutWithLoss, "cut connections are counted")
        let bytes = statistics.bytes
        require(bytes.sent, bytesSent...bytesSent, "sent bytes are counted")
        require(
            bytes.received + bytes.discarded, bytesHandedOver...bytesHandedOver, "each byte is received or discarded")
        require(bytes.discarded, bytesDiscarded...bytesDiscarded + bytesUnsure, "discarded bytes are counted")
        require(
            statistics.starvedReceives, starved...starved + starvedAndCancelled, "receives without a buffer are counted"
        )
    }
}

/// Those who wait for buffers, in the order in which they should get them, as far as the model sees who comes and goes.
struct ModelledLine {
    /// Some entries are stale: their connection has another ticket by now, or none.
    private var entries: [(connection: SimulatedConnection, ticket: Int)] = []
    private var start = 0
    private var ticketCount = 0

    /// At the end, those that are not in the line: nobody of them is before another.
    mutating func join(_ connections: [SimulatedConnection]) {
        ticketCount += 1
        for connection in connections where connection.ledger.waitingTicket == nil {
            connection.ledger.waitingTicket = ticketCount
            entries.append((connection, ticketCount))
        }
    }

    /// Those whose turn came and who owe too much by then have left at the head.
    mutating func clear(isWaiting: (SimulatedConnection) -> Bool) {
        while start < entries.count {
            let entry = entries[start]
            if entry.connection.ledger.waitingTicket == entry.ticket {
                guard !isWaiting(entry.connection) else { return }
                entry.connection.ledger.waitingTicket = nil
            }
            start += 1
        }
    }

    /// It receives. `passedBy` hears of those who were before it, and leave with it. One that never lined up is the last.
    mutating func leave(_ connection: SimulatedConnection, passedBy: (SimulatedConnection) -> Void) {
        let ticket = connection.ledger.waitingTicket ?? .max
        connection.ledger.waitingTicket = nil
        while start < entries.count, entries[start].ticket < ticket {
            let entry = entries[start]
            start += 1
            guard entry.connection.ledger.waitingTicket == entry.ticket else { continue }
            passedBy(entry.connection)
            entry.connection.ledger.waitingTicket = nil
        }
    }
}
