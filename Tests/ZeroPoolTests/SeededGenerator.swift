import TestSupport

extension SeededGenerator {
    /// A generator with a fresh seed, printed so that a failure can be replayed.
    static func announced(_ name: String, _ round: Int) -> SeededGenerator {
        let seed = UInt64.random(in: .min ... .max)
        print("\(name) round \(round): seed \(seed)")
        return SeededGenerator(seed: seed)
    }
}
