/// How many answers had which status, from 0 to 999. Counting one is an addition.
struct StatusCounts: Sendable {
    private var byStatus: [Int] = []

    mutating func count(_ status: Int) {
        // Empty in a run without statuses.
        if byStatus.isEmpty { byStatus = Array(repeating: 0, count: 1000) }
        byStatus[status] += 1
    }

    mutating func merge(_ other: StatusCounts) {
        guard !other.byStatus.isEmpty else { return }
        guard !byStatus.isEmpty else { return byStatus = other.byStatus }
        for status in byStatus.indices { byStatus[status] += other.byStatus[status] }
    }

    /// Those that occurred, in order.
    var counts: [(status: Int, count: Int)] {
        byStatus.enumerated().filter { $0.element > 0 }.map { ($0.offset, $0.element) }
    }
}
