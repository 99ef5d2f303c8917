import Glibc
import TestSupport

extension SeededGenerator {
    /// With a seed that is printed, or that of `ZEROPOOL_HTTP1_SEED`.
    static func forTest(_ name: String = #function) -> SeededGenerator {
        let seed = environment("ZEROPOOL_HTTP1_SEED") ?? UInt64.random(in: 0...1 << 62)
        print("\(name): seed \(seed); replay it with ZEROPOOL_HTTP1_SEED=\(seed)")
        return SeededGenerator(seed: seed)
    }

    /// A number in the environment.
    static func environment(_ name: String) -> UInt64? { getenv(name).flatMap { UInt64(String(cString: $0)) } }
}
