/// A time in which connections wait for buffers and the pool has none.
///
/// It begins at once and ends late: when for the whole of the stall time nobody has waited. What a reactor does meanwhile
/// stands in `Reactor+Buffers.swift`.
struct Scarcity {
    private var history = TurnHistory()
    /// Connections for which the last turn had no buffer. (While it lasts everybody lines up; most are served at the end of
    /// the same turn.)
    private(set) var unservedCount = 0
    /// Whether there were such since the last tick.
    private var wasAnyoneUnserved = false
    /// Ticks since somebody last waited.
    private var calmTickCount = 0

    var isOver: Bool { calmTickCount == TurnHistory.tickCount }

    /// A turn is over that had no buffer for so many.
    mutating func turned(unservedCount: Int) {
        self.unservedCount = unservedCount
        if unservedCount > 0 { wasAnyoneUnserved = true }
    }

    /// The timer has ticked, in turn `turn`. Returns the turn before or in which something must have come or gone for the
    /// last time, if a connection's peer is to count as stalled; nil when nobody waits, or it is too early to tell.
    mutating func tick(turn: Int) -> Int? {
        calmTickCount = wasAnyoneUnserved || unservedCount > 0 ? 0 : calmTickCount + 1
        wasAnyoneUnserved = false
        let stalledTurn = history.tick(turn: turn)
        return unservedCount > 0 ? stalledTurn : nil
    }
}
