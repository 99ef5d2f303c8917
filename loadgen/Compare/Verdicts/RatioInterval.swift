/// The ratio of two medians, and where it lies with 95 % confidence.
///
/// The interval is a percentile bootstrap over rounds: rounds are drawn with replacement, and each draw's ratio of medians
/// is noted. A round's two values stay together, since what slows the machine down slows both. The draws are seeded, so
/// that the same values always give the same interval.
struct RatioInterval: Codable, Equatable, Sendable {
    /// With fewer rounds an interval says too little to call anything a difference.
    static let leastRoundCount = 5
    private static let drawCount = 4000

    let ratio: Double
    let low: Double
    let high: Double

    /// Values by round; rounds that only one side has are left out. Nil without a common round, or with a value of 0.
    init?(of numerators: [Int: Double], to denominators: [Int: Double], seed: UInt64 = 2026) {
        let rounds = numerators.keys.filter { denominators[$0] != nil }.sorted()
        let above = rounds.map { numerators[$0]! }
        let below = rounds.map { denominators[$0]! }
        guard !rounds.isEmpty, (above + below).allSatisfy({ $0 > 0 && $0.isFinite }) else { return nil }
        var generator = SplitMix64(seed: seed)
        var drawn: [Double] = []
        for _ in 0..<Self.drawCount {
            let indices = rounds.map { _ in Int.random(in: rounds.indices, using: &generator) }
            drawn.append(Spread.median(indices.map { above[$0] }) / Spread.median(indices.map { below[$0] }))
        }
        drawn.sort()
        ratio = Spread.median(above) / Spread.median(below)
        low = drawn[Self.drawCount / 40]
        high = drawn[Self.drawCount - 1 - Self.drawCount / 40]
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
