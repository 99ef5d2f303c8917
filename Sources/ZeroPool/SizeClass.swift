/// The sizes that buffers come in: powers of two from 4 KiB to 1 GiB.
///
/// A class is named by its shift (12 for 4 KiB … 30 for 1 GiB) where it describes a buffer, and by its index from the
/// pool's smallest class where it addresses a magazine or a list.
@usableFromInline
enum SizeClass {
    /// The smallest class a pool may keep, 4 KiB: a page.
    static let minimumShift = 12
    /// The largest class, 1 GiB: also the most that one slot of a ring's buffer table takes.
    static let maximumShift = 30
    /// The largest class that thread caches keep, 16 MiB; larger ones go to the shard directly, where one lock costs
    /// nothing beside the touching of the memory, and where they are not hoarded a thread.
    static let maximumCachedShift = 24

    /// The index of the class for `byteCount` in a pool whose smallest class is `1 << minimumShift`.
    ///
    /// Past the last class, and for negative sizes, the index is larger than any class: callers compare.
    @inlinable
    static func index(for byteCount: Int, minimumShift: Int) -> Int {
        let lastByte = UInt(bitPattern: max(byteCount, 1 &<< minimumShift)) &- 1
        return UInt.bitWidth &- lastByte.leadingZeroBitCount &- minimumShift
    }
}
