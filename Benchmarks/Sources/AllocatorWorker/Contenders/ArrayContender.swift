/// A fresh Swift array for each use, not zeroed.
struct ArrayContender: Contender {
    var bytes: [UInt8]

    @inline(__always)
    static func get(_ byteCount: Int, from source: NoSource) -> ArrayContender {
        ArrayContender(bytes: unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { $1 = byteCount })
    }

    @inline(__always)
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void) {
        unsafe bytes.withUnsafeMutableBytes { unsafe body($0.baseAddress!) }
    }

    @inline(__always)
    consuming func giveBack(to source: NoSource) {}
}
