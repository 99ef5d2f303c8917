/// Which turn of the loop was a while ago: so that a connection need only note the turn of its last event, which costs a
/// store, where the time would cost a look at the clock.
///
/// A timer ticks eight times in the while, so that what is older than it is found within an eighth of it.
struct TurnHistory {
    static let tickCount = 8

    /// The turns of the last ticks, the oldest first.
    private var turns: [Int] = []

    /// Seconds from tick to tick.
    static func tickSeconds(of seconds: Double) -> Double { seconds / Double(tickCount) }

    /// The timer has ticked, in turn `turn`. Returns the turn of eight ticks ago: whatever last happened then, or
    /// before, is old. Nil as long as there were too few ticks.
    mutating func tick(turn: Int) -> Int? {
        turns.append(turn)
        return turns.count > TurnHistory.tickCount ? turns.removeFirst() : nil
    }
}
