import Glibc

/// A generator that replays: SplitMix64 (Steele, Lea, Flood 2014). Tests print its seed.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A whole number from `low` to `high`, both included.
    package mutating func integer(_ low: Int, _ high: Int) -> Int { low + Int(next() % UInt64(high - low + 1)) }

    /// Mostly small numbers.
    package mutating func skewed(_ low: Int, _ high: Int) -> Int {
        var top = high
        for _ in 0..<integer(0, 4) { top = max(low, top / 3) }
        return integer(low, top)
    }

    package mutating func chance(_ probability: Double) -> Bool {
        probability > 0 && Double(next() >> 11) < probability * Double(1 << 53)
    }

    package mutating func element<Element>(_ elements: [Element]) -> Element {
        elements[integer(0, elements.count - 1)]
    }

    /// One of several, each as often as its weight says. The weights are not all 0.
    package mutating func weighted<Element>(_ elements: [(element: Element, weight: Int)]) -> Element {
        var rest = integer(1, elements.reduce(0) { $0 + $1.weight })
        for (element, weight) in elements {
            rest -= weight
            if rest <= 0 { return element }
        }
        preconditionFailure("the weights are all 0")
    }
}

extension SeededGenerator {
    /// A generator whose seed is printed, so that a failure can be replayed: the number in the environment's `variable`, or a
    /// fresh seed.
    package static func announced(
        _ name: String = #function, _ round: Int? = nil, variable: String? = nil
    ) -> SeededGenerator {
        let seed = variable.flatMap(environment) ?? UInt64.random(in: .min ... .max)
        let replay = variable.map { "; replay it with \($0)=\(seed)" } ?? ""
        print("\(name)\(round.map { " round \($0)" } ?? ""): seed \(seed)\(replay)")
        return SeededGenerator(seed: seed)
    }

    /// A number in the environment.
    package static func environment(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
}
