/// How many buffers wait for bytes to be received into: few while few are enough.
///
/// Buffers that turn over through a long ring leave the processor's cache, and those of a short one stay. So it starts
/// short, doubles when a receive finds none, and halves when less than half of it was in use for a long time.
struct BufferDemand {
    static let minimum = 16
    static let maximum = 256
    /// Turns of the loop between two looks back.
    private static let turnsPerPeriod = 4096

    /// The most buffers that may wait. Less than the maximum where memory for a longer ring can't be locked.
    let limit: Int
    /// How many buffers should wait.
    private(set) var target = minimum
    private var leastAvailable = Int.max
    private var turnCount = 0

    init(limit: Int = maximum) {
        self.limit = limit
    }

    /// A receive found no buffer.
    mutating func starved() {
        leastAvailable = 0
    }

    /// One turn of the loop is over, in which buffers were used until `available` were left.
    mutating func turned(available: Int) {
        if leastAvailable == 0 {
            target = min(limit, target * 2)
            (leastAvailable, turnCount) = (.max, 0)
            return
        }
        leastAvailable = min(leastAvailable, available)
        turnCount += 1
        guard turnCount == BufferDemand.turnsPerPeriod else { return }
        if leastAvailable > target / 2 { target = max(BufferDemand.minimum, target / 2) }
        (leastAvailable, turnCount) = (.max, 0)
    }
}
