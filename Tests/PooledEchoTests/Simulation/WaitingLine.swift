/// Those who wait for buffers, in the order in which they should get them, as far as the model sees who comes and goes.
struct WaitingLine {
    /// Some entries are stale: their connection has another ticket by now, or none.
    private var entries: [(connection: SimulatedConnection, ticket: Int)] = []
    private var start = 0
    private var ticketCount = 0

    /// At the end, unless it is in the line.
    mutating func join(_ connection: SimulatedConnection) {
        guard connection.ledger.waitingTicket == nil else { return }
        ticketCount += 1
        connection.ledger.waitingTicket = ticketCount
        entries.append((connection, ticketCount))
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

    /// It receives. `passedBy` hears of those who were before it, and leave with it.
    mutating func leave(_ connection: SimulatedConnection, passedBy: (SimulatedConnection) -> Void) {
        guard let ticket = connection.ledger.waitingTicket else { return }
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
