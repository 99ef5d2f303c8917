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

    /// Where the magazine for requests of `byteCount` bytes stands in a thread's cache, in a pool whose `smallest` is that of
    /// its smallest class: one below the shift of the class.
    ///
    /// No class's place (`maximumShift` and more) for sizes past 1 GiB, for 0 and for negative ones: the slow path looks
    /// again, and traps.
    @inlinable @inline(__always)
    static func magazineIndex(for byteCount: Int, smallest: Int) -> Int {
        // The highest bit of the last byte's number. There is one, since `smallest` has some: the compiler, which does not
        // know that, would spend two instructions on a word of zeroes.
        _assumeNonNegative(63 &- ((byteCount &- 1) | smallest).leadingZeroBitCount)
    }

    /// The shift of the class for `byteCount`, likewise.
    static func shift(for byteCount: Int, smallest: Int) -> Int {
        magazineIndex(for: byteCount, smallest: smallest) + 1
    }

    /// `smallest` for the above: the bits of a byte's number in the smallest class.
    static func smallest(minimumShift: Int) -> Int { (1 << minimumShift) - 1 }
}
