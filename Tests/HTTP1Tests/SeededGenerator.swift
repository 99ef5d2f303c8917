import Glibc

/// A generator that replays: SplitMix64 (Steele, Lea, Flood 2014).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// With a seed that is printed, or that of `ZEROPOOL_HTTP1_SEED`.
    static func forTest(_ name: String = #function) -> SeededGenerator {
        let seed = environment("ZEROPOOL_HTTP1_SEED") ?? UInt64.random(in: 0...1 << 62)
        print("\(name): seed \(seed); replay it with ZEROPOOL_HTTP1_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }

    /// A number in the environment.
    static func environment(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A whole number from `low` to `high`, both included.
    mutating func integer(_ low: Int, _ high: Int) -> Int { low + Int(next() % UInt64(high - low + 1)) }

    mutating func element<Element>(_ elements: [Element]) -> Element { elements[integer(0, elements.count - 1)] }
}
