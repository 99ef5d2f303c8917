/// A time in which connections wait for buffers and the pool has none.
///
/// It begins at once and ends late: when for the whole of the stall time nobody has waited. What a reactor does meanwhile
/// stands in `Reactor+Buffers.swift`.
struct Scarcity {
    private var history = TurnHistory()
    /// Connections for which a turn had no buffer, of the last turn. (While it lasts everybody lines up; most are served at
    /// the end of the same turn.)
    var unservedCount = 0
    /// Ticks since somebody last waited.
    private var calmTickCount = 0

    var isOver: Bool { calmTickCount == TurnHistory.tickCount }

    /// The timer has ticked, in turn `turn`. Returns the turn before or in which something must have come or gone for the
    /// last time, if a connection's peer is to count as stalled; nil when nobody waits, or it is too early to tell.
    mutating func tick(turn: Int) -> Int? {
        calmTickCount = unservedCount > 0 ? 0 : calmTickCount + 1
        let stalledTurn = history.tick(turn: turn)
        return unservedCount > 0 ? stalledTurn : nil
    }
}
