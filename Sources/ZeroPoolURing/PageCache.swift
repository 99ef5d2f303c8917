internal import CLibUring

/// What the kernel has of files in memory.
public enum PageCache {
    /// How many of `count` bytes of a file from `offset` on are in the page cache, in whole pages; nil where the kernel does
    /// not say: before 6.5, or of a file that is not ours to ask about.
    ///
    /// `cachestat(2)`. It does not wait for the disk; its cost grows with the pages that it counts, some nanoseconds each.
    public static func residentByteCount(of file: Int32, offset: Int, count: Int) -> Int? {
        guard count > 0 else { return 0 }
        let pageCount = zp_cached_page_count(file, UInt64(offset), UInt64(count))
        return pageCount < 0 ? nil : min(count, Int(pageCount) * pageByteCount)
    }

    private static let pageByteCount = Int(zp_page_size())
}
