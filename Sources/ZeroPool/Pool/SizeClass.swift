/// The sizes that buffers come in: powers of two from 4 KiB to 1 GiB.
///
/// A class is named by its shift: 12 for 4 KiB … 30 for 1 GiB.
@usableFromInline
enum SizeClass {
    /// The smallest class a pool may keep, 4 KiB: a page.
    static let minimumShift = 12
    /// The largest class, 1 GiB: also the most that one slot of a ring's buffer table takes.
    static let maximumShift = 30
    /// The largest class that thread caches keep, 16 MiB; larger ones go to the shard directly, where one lock costs
    /// nothing beside the touching of the memory, and where they are not hoarded a thread.
    static let maximumCachedShift = 24

    /// The shift of the class for `byteCount`, in a pool whose smallest class is `1 << minimumShift` bytes.
    ///
    /// No class (more than `maximumShift`) for sizes past 1 GiB, for 0 and for negative ones: the slow path looks again,
    /// and traps. (Those below -2⁶² come out as the class of their low bits, and get a buffer.)
    @inlinable @inline(__always)
    static func shift(for byteCount: Int, smallest: Int) -> Int {
        // The highest bit of the last byte's number, one up; doubled, so that the compiler sees that it is not zero.
        ((byteCount &* 2 &- 1) | smallest).leadingZeroBitCount ^ 63
    }

    /// `smallest` for the above.
    static func smallest(minimumShift: Int) -> Int { (2 << minimumShift) - 1 }
}
