import Synchronization

/// As many connections as the process serves at once, over all reactors: the one thing that they share.
final class ConnectionLimit: Sendable {
    private let maximum: Int
    private let count = Atomic<Int>(0)

    init(maximum: Int) { self.maximum = maximum }

    /// Counts a connection in, unless there are as many as may be.
    func tryEnter() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue > maximum else { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    /// Counts a connection out.
    func leave() { count.subtract(1, ordering: .relaxed) }
}
