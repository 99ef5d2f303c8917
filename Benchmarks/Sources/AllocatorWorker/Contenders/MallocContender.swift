import Glibc

/// `malloc` and `free`, of whatever library the process was started with.
@safe
struct MallocContender: Contender {
    let memory: UnsafeMutableRawPointer

    @inline(__always)
    static func get(_ byteCount: Int, from source: NoSource) -> MallocContender {
        guard let memory = unsafe malloc(byteCount) else { fatalError("malloc has no \(byteCount) bytes") }
        return unsafe MallocContender(memory: memory)
    }

    @inline(__always)
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void) { unsafe body(memory) }

    @inline(__always)
    consuming func giveBack(to source: NoSource) { unsafe free(memory) }
}

/// The source of contenders that need none of their own.
struct NoSource: Sendable {}
