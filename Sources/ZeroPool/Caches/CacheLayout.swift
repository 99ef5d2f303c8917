import CZeroPool

/// Where things stand in a thread cache: one magazine for each shift that a size can have.
///
/// Those below the smallest class are never reached; the header stands in their place. Those above the largest cached
/// class have room for nothing, so that the fast path compares no bounds.
struct CacheLayout {
    static let cacheLineByteCount = 64
    /// The magazines of shifts 1 to 11, sizes below a page, leave this much room and more.
    static let headerByteCount = 11 * cacheLineByteCount

    /// From one magazine to the next: header and slots, rounded up to whole cache lines.
    let magazineStride: Int
    /// The classes that are cached.
    let cachedShifts: Range<Int>

    init(tlsCacheSize: Int, cachedShifts: Range<Int>) {
        let byteCount = unsafe Magazine.headerByteCount + tlsCacheSize * MemoryLayout<UnsafeRawPointer>.stride
        let line = CacheLayout.cacheLineByteCount
        magazineStride = (byteCount + line - 1) / line * line
        self.cachedShifts = cachedShifts
    }

    /// All shifts that `SizeClass.shift` gives.
    static let allShifts = SizeClass.minimumShift..<65

    var byteCount: Int { magazineOffset(shift: CacheLayout.allShifts.upperBound) }

    /// By `SizeClass.magazineIndex`.
    func magazineOffset(shift: Int) -> Int { (shift - 1) * magazineStride }

    /// Whether the empty cache, which stands in for a missing one, is as long as a cache of this layout.
    var fits: Bool { byteCount <= Int(ZEROPOOL_CACHE_BYTE_LIMIT) }
}
