/// How many answers had which status. Nearly always there is one, and to count is to add.
struct StatusCounts: Sendable {
    /// Those that occurred, in the order in which they did.
    private(set) var counts: [(status: Int, count: Int)] = []

    mutating func count(_ status: Int, times: Int = 1) {
        if let index = counts.firstIndex(where: { $0.status == status }) {
            counts[index].count += times
        } else {
            counts.append((status, times))
        }
    }

    mutating func merge(_ other: StatusCounts) {
        for (status, times) in other.counts { count(status, times: times) }
    }
}
