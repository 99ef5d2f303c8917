/// A generator that replays: SplitMix64 (Steele, Lea, Flood 2014). Tests print its seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// A generator with a fresh seed, printed so that a failure can be replayed.
    static func announced(_ name: String, _ round: Int) -> SeededGenerator {
        let seed = UInt64.random(in: .min ... .max)
        print("\(name) round \(round): seed \(seed)")
        return SeededGenerator(seed: seed)
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
