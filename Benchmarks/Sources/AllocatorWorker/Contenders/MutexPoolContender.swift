/// The pool of a lock and arrays.
struct MutexPoolContender: Contender {
    let memory: MutexPool.Memory

    @inline(__always)
    static func get(_ byteCount: Int, from pool: MutexPool) -> MutexPoolContender {
        MutexPoolContender(memory: pool.get(byteCount))
    }

    @inline(__always)
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void) { unsafe body(memory.address) }

    @inline(__always)
    consuming func giveBack(to pool: MutexPool) { pool.giveBack(memory) }
}
