/// The values of all rounds, in ascending order.
public struct Distribution {
    private let values: [Double]

    /// Of at least one value.
    public init(_ values: [Double]) {
        precondition(!values.isEmpty, "a distribution needs values")
        self.values = values.sorted()
    }

    /// The smallest value that at least `fraction` of the values do not exceed.
    public func quantile(_ fraction: Double) -> Double {
        values[max(0, Int((Double(values.count) * fraction).rounded(.up)) - 1)]
    }

    /// The 0.5 quantile.
    public var median: Double { quantile(0.5) }
}

extension Distribution: CustomStringConvertible {
    /// A row's cells: the median, then the range of the middle eight tenths.
    public var description: String { "\(rounded(median)) | \(rounded(quantile(0.1)))–\(rounded(quantile(0.9)))" }

    private func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
