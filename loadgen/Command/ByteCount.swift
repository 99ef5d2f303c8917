import ArgumentParser

/// A number of bytes as a user writes it: `512`, `64K`, `1M`; K, M and G are powers of 1024.
struct ByteCount: Equatable, Sendable {
    /// A message is at most 1 GiB.
    static let range = 1...1 << 30

    let value: Int

    init(_ value: Int) {
        self.value = value
    }
}

extension ByteCount: ExpressibleByArgument {
    init?(argument: String) {
        let units = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let unit = argument.last.flatMap { units[$0.uppercased()] }
        let digits = unit == nil ? argument[...] : argument.dropLast()
        guard let number = Int(digits), number > 0 else { return nil }
        let (value, overflows) = number.multipliedReportingOverflow(by: unit ?? 1)
        guard !overflows, Self.range.contains(value) else { return nil }
        self.init(value)
    }

    var defaultValueDescription: String { String(value) }
}

extension Endpoint: ExpressibleByArgument {
    init?(argument: String) {
        self.init(argument)
    }
}
