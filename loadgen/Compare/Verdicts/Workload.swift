/// What contenders were measured at, and one cost of each in each round: less is better.
struct Workload: Encodable, Sendable {
    /// What a workload is like, which decides what is said about it.
    enum Kind: String, Encodable, Sendable {
        case getAndReturn, echo, smallFile, hotFile, coldFile
        case residentMemory, touchedBlock, directRead
    }

    /// A smaller ratio makes no difference, however sure it is.
    private static let leastRatio = 1.01

    let title: String
    /// As it stands in a sentence: `hot files of 64 KiB`.
    let name: String
    let kind: Kind
    let quantity: Quantity
    /// The contender that stands for the pool.
    let pool: Contender
    /// Costs by contender and round.
    let costs: [Contender: [Int: Double]]

    /// The pool beside `malloc` as it comes, and beside the best of the other allocators.
    var rows: [SummaryRow] {
        let others = [Contender.mallocTuned, .mimalloc].compactMap { contender in
            spread(of: contender).map { (contender: contender, median: $0.median) }
        }
        let best = others.min { $0.median < $1.median }?.contender
        return [row(beside: .malloc, isBest: false), best.flatMap { row(beside: $0, isBest: true) }].compactMap(\.self)
    }

    func spread(of contender: Contender) -> Spread? { Spread(costs[contender].map { Array($0.values) } ?? []) }

    /// Nil where one of the two was not measured.
    func row(beside other: Contender, isBest: Bool) -> SummaryRow? {
        guard let own = costs[pool], let its = costs[other], let pool = spread(of: self.pool),
            let without = spread(of: other)
        else { return nil }
        let interval = RatioInterval(of: its, to: own)
        let roundCount = own.keys.count { its[$0] != nil }
        let verdict: Verdict =
            if roundCount < RatioInterval.leastRoundCount { .undecided } else {
                switch interval {
                case let interval? where interval.low > 1 && interval.ratio >= Self.leastRatio: .ahead
                case let interval? where interval.high < 1 && interval.ratio <= 1 / Self.leastRatio: .behind
                default: .noDifference
                }
            }
        return SummaryRow(
            title: title, name: name, kind: kind, quantity: quantity, other: other, isBestOther: isBest, withPool: pool,
            without: without, ratio: interval, verdict: verdict)
    }

    private enum CodingKeys: String, CodingKey { case title, name, kind, quantity, pool, costs }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(title, forKey: .title)
        try container.encode(name, forKey: .name)
        try container.encode(kind, forKey: .kind)
        try container.encode(quantity, forKey: .quantity)
        try container.encode(pool, forKey: .pool)
        let lists = costs.map { ($0.key.rawValue, $0.value.sorted { $0.key < $1.key }.map(\.value)) }
        try container.encode(Dictionary(uniqueKeysWithValues: lists), forKey: .costs)
    }
}

/// The pool beside one other way to get buffers, at one workload.
struct SummaryRow: Encodable, Sendable {
    let title: String
    let name: String
    let kind: Workload.Kind
    let quantity: Quantity
    let other: Contender
    /// Whether the other is the best of the allocators but `malloc` as it comes.
    let isBestOther: Bool
    let withPool: Spread
    let without: Spread
    /// The other's cost ÷ the pool's: above 1 the pool is ahead.
    let ratio: RatioInterval?
    let verdict: Verdict
}

/// What the rounds allow to say of the pool.
enum Verdict: String, Encodable, Sendable {
    case ahead, behind
    /// The interval covers 1, or the ratio is within 1 % of it.
    case noDifference
    /// Too few rounds to tell.
    case undecided
}

/// What a cost is counted in.
enum Quantity: String, Encodable, Sendable {
    case nanoseconds, bytes

    /// Three significant digits and the unit that suits: `1.14 ns`, `67.0 µs`, `128 MiB`.
    func text(_ value: Double) -> String {
        let units: [(size: Double, name: String)] =
            switch self {
            case .nanoseconds: [(1, "ns"), (1e3, "µs"), (1e6, "ms"), (1e9, "s")]
            case .bytes: [(1, "B"), (1024, "KiB"), (1_048_576, "MiB"), (1_073_741_824, "GiB")]
            }
        // 999.6 ns would be shown as 1,000 ns.
        let unit = units.last { value.magnitude >= $0.size * 0.9995 } ?? units[0]
        return Format.significant(value / unit.size) + " " + unit.name
    }
}
