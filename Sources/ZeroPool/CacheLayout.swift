import CZeroPool

/// Where things stand in a thread cache: a header of two cache lines, then a magazine for each cached class.
struct CacheLayout {
    static let headerByteCount = 128
    static let cacheLineByteCount = 64

    /// From one magazine to the next: header and slots, rounded up to whole cache lines.
    let magazineStride: Int
    let magazineCount: Int

    init(tlsCacheSize: Int, magazineCount: Int) {
        let byteCount = unsafe Magazine.headerByteCount + tlsCacheSize * MemoryLayout<UnsafeRawPointer>.stride
        let line = CacheLayout.cacheLineByteCount
        magazineStride = (byteCount + line - 1) / line * line
        self.magazineCount = magazineCount
    }

    var byteCount: Int { magazineByteOffset(magazineCount) }

    func magazineByteOffset(_ index: Int) -> Int { CacheLayout.headerByteCount + index * magazineStride }

    /// Whether the empty cache, which stands in for a missing one, is as long as a cache of this layout.
    var fits: Bool { byteCount <= Int(ZEROPOOL_CACHE_BYTE_LIMIT) }
}
