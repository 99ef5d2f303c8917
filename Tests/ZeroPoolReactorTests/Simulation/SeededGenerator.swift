import Glibc

/// A generator that replays: SplitMix64 (Steele, Lea, Flood 2014). All that is random in a simulation comes from one.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A whole number from `low` to `high`, both included.
    mutating func integer(_ low: Int, _ high: Int) -> Int { low + Int(next() % UInt64(high - low + 1)) }

    /// As `integer`, but small numbers as often as large ones: for sizes of which the orders matter.
    mutating func skewed(_ low: Int, _ high: Int) -> Int {
        var top = high
        for _ in 0..<integer(0, 4) { top = max(low, top / 3) }
        return integer(low, top)
    }

    mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && Double(next() >> 11) < probability * Double(1 << 53)
    }

    mutating func element<Element>(_ elements: [Element]) -> Element { elements[integer(0, elements.count - 1)] }
}

/// Whether this process runs under the thread or the address sanitizer, where everything takes ten times as long.
enum Sanitizer {
    static var isActive: Bool { dlsym(nil, "__tsan_init") != nil || dlsym(nil, "__asan_init") != nil }
}
