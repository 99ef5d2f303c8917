import CZeroPool

/// Where a lease goes back to, in one word that a return compares with what it finds there.
///
/// Bits 0–5: the pool's slot number. 6–24: the byte offset of the class's magazine in a thread cache. 25–32: the home
/// shard. 33–63: the pool's generation, so that a late return never lands in the cache of a pool that has taken over
/// the slot. A magazine carries the tag of what it holds; a return that finds another one there is not at home.
@usableFromInline
struct LeaseTag: Sendable {
    @usableFromInline let rawValue: UInt64

    @inlinable
    init(rawValue: UInt64) { self.rawValue = rawValue }

    init(slot: Int, magazineByteOffset: Int, shard: Int, generation: UInt64) {
        rawValue =
            UInt64(slot) | UInt64(magazineByteOffset) << 6 | UInt64(shard) << 25
            | (generation % LeaseTag.generationCount) << 33
    }

    /// Of buffers that no magazine takes: it leads to the slot that stays empty, where no tag is like it.
    static let uncached = LeaseTag(rawValue: UInt64(ZEROPOOL_UNCACHED_SLOT))

    static let generationCount: UInt64 = 1 << 31

    @inlinable
    var slot: UInt64 { rawValue & 0x3f }

    @inlinable
    var magazineByteOffset: Int { Int(truncatingIfNeeded: (rawValue >> 6) & 0x7_ffff) }
}
