import Glibc
import ZeroPool

/// A block of memory, every byte written, until the last reference ends.
@safe final class HeldBlock {
    private let lease: PooledBuffer?
    // SAFETY: from `malloc`, freed once.
    private let block: UnsafeMutableRawPointer?

    /// - Parameter pool: nil for `malloc`.
    /// - Returns: nil when it is refused.
    init?(_ byteCount: Int, from pool: BufferPool?) {
        if let pool {
            guard let lease = pool.tryGet(byteCount) else { return nil }
            unsafe memset(lease.baseAddress, 1, byteCount)
            self.lease = consume lease
            unsafe block = nil
        } else {
            guard let block = unsafe Glibc.malloc(byteCount) else { return nil }
            unsafe memset(block, 1, byteCount)
            unsafe self.block = unsafe block
            lease = nil
        }
    }

    deinit { unsafe free(block) }
}
