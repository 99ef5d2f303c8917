/// A trace of sizes, the same in every process: each as likely to be between 4 and 8 KiB as between 512 KiB and 1 MiB.
enum SizeTrace {
    struct Step {
        /// The buffer that ends, and the new one's place.
        var slot: Int
        var byteCount: Int
    }

    static let slotCount = 64
    /// A power of two.
    private static let stepCount = 4096
    private static let seed: UInt64 = 0x5EED

    static let steps: [Step] = {
        var state = seed
        return (0..<stepCount).map { _ in
            let base = 4096 << Int(next(&state) % 8)
            return Step(
                slot: Int(next(&state) % UInt64(slotCount)), byteCount: base + Int(next(&state) % UInt64(base)) + 1)
        }
    }()

    /// SplitMix64 (Steele, Lea and Flood, 2014).
    private static func next(_ state: inout UInt64) -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
