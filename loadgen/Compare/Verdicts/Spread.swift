/// The middle of some measurements, and how far they lie apart.
struct Spread: Codable, Equatable, Sendable {
    let median: Double
    let min: Double
    let max: Double

    /// Nil without values.
    init?(_ values: [Double]) {
        guard let least = values.min(), let most = values.max() else { return nil }
        median = Self.median(values)
        min = least
        max = most
    }

    /// The median of at least one value.
    static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
