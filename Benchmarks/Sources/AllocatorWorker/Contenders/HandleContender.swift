import ZeroPool

/// ZeroPool as a reactor uses it, which gets buffers of one size: through a handle that it keeps.
struct HandleContender: ~Copyable, Contender {
    var lease: PooledBuffer

    /// The access is a pointer, since handles are not copied; a reactor reaches the one that it holds in as many steps.
    @inline(__always)
    static func withAccess<Result>(
        to pool: BufferPool, byteCount: Int?, _ body: (UnsafeMutablePointer<PoolHandle>) -> Result
    ) -> Result {
        guard let byteCount else { fatalError("a handle is for buffers of one size") }
        let handle = UnsafeMutablePointer<PoolHandle>.allocate(capacity: 1)
        unsafe handle.initialize(to: pool.handle(byteCount))
        defer {
            unsafe handle.deinitialize(count: 1)
            unsafe handle.deallocate()
        }
        return unsafe body(handle)
    }

    /// Of the size that the handle was made for.
    @inline(__always)
    static func get(_: Int, from handle: UnsafeMutablePointer<PoolHandle>) -> HandleContender {
        HandleContender(lease: unsafe handle.pointee.get())
    }

    @inline(__always)
    mutating func withMemory(_ body: (UnsafeMutableRawPointer) -> Void) { unsafe body(lease.baseAddress) }

    @inline(__always)
    consuming func giveBack(to handle: UnsafeMutablePointer<PoolHandle>) {}

    static func tiers(of pool: BufferPool) -> [(name: String, count: Int)] { pool.tiers }
}
