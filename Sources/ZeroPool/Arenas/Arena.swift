/// A stretch of memory from which a shard takes buffers. A ring registers it as one entry of its buffer table.
///
/// The value keeps nothing alive. The memory stays mapped while an observer of the shard holds the arena, or a buffer
/// is in use.
@safe
public struct Arena: @unchecked Sendable {
    // SAFETY: Sendable, since it is a number and a range of addresses, and gives no access to what is there.
    /// The arena's number in its shard: 0, 1, 2 … below 16,384. Reused only after the arena is gone.
    public let index: Int
    /// The address of the first byte, a multiple of 2 MiB.
    public let baseAddress: UnsafeMutableRawPointer
    /// The size in bytes: a multiple of 2 MiB, at most 1 GiB.
    public let byteCount: Int

    /// The most arenas of a shard, and the most entries of a ring's buffer table on current kernels: 16,384.
    public static let maximumCountPerShard = 16_384

    /// Whether the `byteCount` bytes at `address` are in this arena.
    public func contains(_ address: UnsafeRawPointer, byteCount: Int) -> Bool {
        let offset = unsafe address - UnsafeRawPointer(baseAddress)
        return offset >= 0 && byteCount <= self.byteCount - offset
    }
}
