/// A stretch of memory that a shard carves buffers from: what a ring registers, as one entry of its buffer table.
///
/// A value that describes; it keeps nothing alive. The memory stays mapped while an observer of the shard holds it or
/// a buffer is carved from it.
@safe
public struct Arena: @unchecked Sendable {
    // SAFETY: Sendable, since it is a number and a range of addresses, and gives no access to what is there.
    /// The arena's number in its shard: 0, 1, 2 … below 16,384, given anew only after the arena is gone.
    public let index: Int
    /// The first byte, a multiple of 2 MiB.
    public let baseAddress: UnsafeMutableRawPointer
    /// A whole number of 2 MiB, at most 1 GiB.
    public let byteCount: Int

    /// As many arenas as a shard has at most, and as a ring's buffer table takes on current kernels: 16,384.
    public static let maximumCountPerShard = 16_384

    /// Whether `byteCount` bytes from `address` lie in this arena.
    public func contains(_ address: UnsafeRawPointer, byteCount: Int) -> Bool {
        let offset = unsafe address - UnsafeRawPointer(baseAddress)
        return offset >= 0 && byteCount <= self.byteCount - offset
    }
}
