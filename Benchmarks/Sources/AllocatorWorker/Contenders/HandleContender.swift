import ZeroPool

/// ZeroPool as a reactor uses it, which gets buffers of one size: through a handle that is a field of a class.
struct HandleContender: ~Copyable, Contender {
    var lease: PooledBuffer

    final class Holder {
        let handle: PoolHandle
        init(_ handle: consuming PoolHandle) { self.handle = handle }
    }

    @inline(__always)
    static func withAccess<Result>(to pool: BufferPool, byteCount: Int?, _ body: (Holder) -> Result) -> Result {
        guard let byteCount else { fatalError("a handle is for buffers of one size") }
        return body(Holder(pool.handle(byteCount)))
    }

    /// Of the size that the handle was made for.
    @inline(__always)
    static func get(_: Int, from holder: Holder) -> HandleContender { HandleContender(lease: holder.handle.get()) }

    @inline(__always)
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void) { unsafe body(lease.baseAddress) }

    @inline(__always)
    consuming func giveBack(to holder: Holder) {}

    static func tiers(of pool: BufferPool) -> [(name: String, count: Int)] { pool.tiers }
}
