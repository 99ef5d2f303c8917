import COpaque

/// No memory at all: what the workload's own loop costs in each of the other figures.
struct LoopAloneContender: Contender {
    let byteCount: Int

    @inline(__always)
    static func get(_ byteCount: Int, from source: NoSource) -> LoopAloneContender {
        LoopAloneContender(byteCount: byteCount)
    }

    /// An address that nobody may use.
    @inline(__always)
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void) {
        unsafe body(UnsafeMutableRawPointer(bitPattern: opaque_value(4096))!)
    }

    @inline(__always)
    consuming func giveBack(to source: NoSource) {}
}
