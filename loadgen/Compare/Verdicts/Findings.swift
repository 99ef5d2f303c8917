/// What a comparison's figures say, in sentences: where pooled buffers pay, where they don't, and why.
struct Findings {
    private let report: ComparisonReport
    private let rows: [SummaryRow]

    init(_ report: ComparisonReport) {
        self.report = report
        rows = report.rows
    }

    var sentences: [String] {
        guard !rows.isEmpty else { return [] }
        guard !rows.contains(where: { $0.verdict == .undecided }) else {
            return [
                "\(Format.count(report.rounds, "round")) can't tell a difference from chance: use --rounds "
                    + "\(RatioInterval.leastRoundCount) or more."
            ]
        }
        return [besideMalloc, besideBest, getAndReturn, echo].compactMap(\.self)
    }

    /// Rows of servers: what a program as a whole gains.
    private func servers(best: Bool) -> [SummaryRow] {
        rows.filter { $0.isBestOther == best && $0.kind != .getAndReturn }
    }

    private var besideMalloc: String? {
        let rows = servers(best: false)
        guard !rows.isEmpty else { return nil }
        let ahead = rows.filter { $0.verdict == .ahead }
        guard !ahead.isEmpty else { return "Compared with malloc and its defaults, pooled buffers save no CPU time." }
        var text = """
            Pooled buffers save CPU time for \(Self.list(ahead.map(\.name))): with malloc and its defaults, the server \
            needs \(Self.range(ahead)) the CPU time.
            """
        if let faults = pageFaults(ahead) {
            text += """
                 By default, malloc gives large blocks back to the system and faults them in again: up to \
                \(Self.count(faults.malloc)) page faults per request, and \(Self.count(faults.pool)) with the pool.
                """
        }
        let behind = rows.filter { $0.verdict == .behind }
        if !behind.isEmpty { text += " The pool costs more for \(Self.list(behind.map(\.name)))." }
        return text
    }

    /// The case of these with the most page faults by `malloc`; nil where they don't explain the difference.
    private func pageFaults(_ rows: [SummaryRow]) -> (malloc: Double, pool: Double)? {
        let titles = Set(rows.map(\.title))
        let faults = report.cases.filter { titles.contains($0.case.shortTitle) }.compactMap {
            result -> (malloc: Double, pool: Double)? in
            func median(_ contender: Contender) -> Double? {
                result.contenders.first { $0.contender == contender }?.pageFaultsPerRequest.median
            }
            guard let malloc = median(.malloc), let pool = median(.pool) else { return nil }
            return (malloc, pool)
        }
        return faults.filter { $0.malloc >= 1 && $0.malloc > 2 * $0.pool }.max { $0.malloc < $1.malloc }
    }

    private var besideBest: String? {
        let rows = servers(best: true)
        guard !rows.isEmpty else { return nil }
        func named(_ verdict: Verdict) -> [SummaryRow] { rows.filter { $0.verdict == verdict } }
        let names = Set(rows.map(\.other)).sorted { $0.rawValue < $1.rawValue }.map {
            $0 == .mallocTuned ? "malloc when tuned" : $0.title
        }
        let (same, ahead, behind) = (named(.noDifference), named(.ahead), named(.behind))
        var parts: [String] = []
        if !same.isEmpty { parts.append("gains nothing for \(Self.list(same.map(\.name)))") }
        if !ahead.isEmpty {
            parts.append(
                "saves CPU time for \(Self.list(ahead.map(\.name))), where the other needs \(Self.range(ahead)) the CPU time"
            )
        }
        if !behind.isEmpty { parts.append("costs more for \(Self.list(behind.map(\.name)))") }
        return "Compared with an allocator that keeps its memory (\(names.joined(separator: " or "))), the pool "
            + "\(parts.joined(separator: "; it "))."
    }

    private var getAndReturn: String? {
        guard let pair = rows.first(where: { $0.kind == .getAndReturn && !$0.isBestOther && $0.verdict == .ahead })
        else { return nil }
        let text = """
            A get and return takes \(pair.quantity.text(pair.withPool.median)) instead of \
            \(pair.quantity.text(pair.without.median)) with malloc
            """
        guard let request = servers(best: false).min(by: { $0.withPool.median < $1.withPool.median }) else {
            return text + "."
        }
        let share = (pair.without.median - pair.withPool.median) / request.withPool.median * 100
        return text + ", a saving of \(Format.decimal(share, places: 1)) % of the cheapest request here."
    }

    private var echo: String? {
        let echoes = rows.filter { $0.kind == .echo && !$0.isBestOther }
        guard !echoes.isEmpty, echoes.allSatisfy({ $0.verdict == .noDifference }) else { return nil }
        let shares = report.cases.filter { $0.case.kind == .echo }.compactMap { result in
            result.contenders.first { $0.contender == .pool }?.kernelShare?.median
        }
        let why = shares.min().map { share in
            let part = share >= 0.995 ? "nearly all" : "\(Format.decimal(share * 100, places: 0)) %"
            return ": the kernel takes \(part) of the server's CPU time"
        }
        return "There is nothing to gain for \(Self.list(echoes.map(\.name)))\(why ?? "")."
    }

    /// `2.54 to 2.98 times`.
    private static func range(_ rows: [SummaryRow]) -> String {
        let texts = rows.compactMap(\.ratio?.ratio).sorted().map(Format.significant)
        guard let least = texts.first, let most = texts.last else { return "" }
        return least == most ? "\(least) times" : "\(least) to \(most) times"
    }

    /// `17.7`, `65,807`.
    private static func count(_ value: Double) -> String {
        value < 99.95 ? Format.decimal(value, places: 1) : Format.grouped(value)
    }

    /// `a, b and c`.
    static func list(_ parts: [String]) -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " and " + last
    }
}

/// The ratio of two medians, and where it lies with 95 % confidence.
///
/// The interval is a percentile bootstrap over rounds: rounds are drawn with replacement, and each draw's ratio of medians
/// is noted. A round's two values stay together, since what slows the machine down slows both. The draws are seeded, so
/// that the same values always give the same interval.
struct RatioInterval: Codable, Equatable, Sendable {
    /// With fewer rounds an interval says too little to call anything a difference.
    static let leastRoundCount = 5

    let ratio: Double
    let low: Double
    let high: Double

    /// Values by round; rounds that only one side has are left out. Nil without a common round, or with a value of 0.
    init?(of numerators: [Int: Double], to denominators: [Int: Double], drawCount: Int = 4000, seed: UInt64 = 2026) {
        let rounds = numerators.keys.filter { denominators[$0] != nil }.sorted()
        let above = rounds.map { numerators[$0]! }
        let below = rounds.map { denominators[$0]! }
        guard !rounds.isEmpty, (above + below).allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
        var generator = SplitMix64(seed: seed)
        var drawn: [Double] = []
        for _ in 0..<drawCount {
            let indices = rounds.map { _ in Int.random(in: rounds.indices, using: &generator) }
            drawn.append(Spread.median(indices.map { above[$0] }) / Spread.median(indices.map { below[$0] }))
        }
        drawn.sort()
        ratio = Spread.median(above) / Spread.median(below)
        low = drawn[drawCount / 40]
        high = drawn[drawCount - 1 - drawCount / 40]
    }

    var coversOne: Bool { low <= 1 && high >= 1 }
}

/// A small generator of pseudo-random numbers (Steele, Lea, Flood 2014).
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}

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
