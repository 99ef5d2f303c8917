/// A time in which connections wait for buffers and the pool has none.
///
/// It begins at once and ends late: when for the whole of the stall time nobody has waited. What a reactor does meanwhile
/// stands in `Reactor+Buffers.swift`.
struct Scarcity {
    private var history = TurnHistory()
    /// Ticks since somebody last waited.
    private var calmTickCount = 0

    var isOver: Bool { calmTickCount == TurnHistory.tickCount }

    /// The timer has ticked, in turn `turn`. Returns the turn before or in which something must have come or gone for the
    /// last time, if a connection's peer is to count as stalled; nil when nobody waits, or it is too early to tell.
    mutating func tick(turn: Int, isAnyoneWaiting: Bool) -> Int? {
        calmTickCount = isAnyoneWaiting ? 0 : calmTickCount + 1
        let stalledTurn = history.tick(turn: turn)
        return isAnyoneWaiting ? stalledTurn : nil
    }
}
