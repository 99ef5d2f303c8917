#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The system's side of an arena: mapping, advice, locking. Errors are results, never traps.
enum SystemMemory {
    /// The size and alignment of a huge page, and so of arenas: 2 MiB.
    static let hugePageByteCount = 2 << 20

    /// Maps `byteCount` bytes (a whole number of huge pages) at a multiple of 2 MiB, advised to huge pages.
    ///
    /// Memory is not touched: pages come on first use, from the processor that uses them.
    /// - Returns: nil when the system refuses (address space, overcommit, `RLIMIT_AS`).
    static func map(byteCount: Int) -> UnsafeMutableRawPointer? {
        assert(byteCount > 0 && byteCount % hugePageByteCount == 0)
        let alignment = hugePageByteCount
        // mmap aligns to pages only: map a huge page more than wanted, and unmap what sticks out.
        let mapped = unsafe mmap(
            nil, byteCount + alignment, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
        guard let mapped = unsafe mapped, unsafe mapped != MAP_FAILED else { return nil }
        let lead = (alignment - Int(bitPattern: mapped) % alignment) % alignment
        let base = unsafe mapped + lead
        if lead > 0 { unsafe _ = munmap(mapped, lead) }
        if lead < alignment { unsafe _ = munmap(base + byteCount, alignment - lead) }
        // Advice: a kernel without transparent huge pages says EINVAL, and small pages serve.
        unsafe _ = madvise(base, byteCount, MADV_HUGEPAGE)
        return unsafe base
    }

    static func unmap(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        let result = unsafe munmap(base, byteCount)
        assert(result == 0, "munmap of a mapping of our own")
    }

    /// Locks the range into memory. - Returns: false when refused (`RLIMIT_MEMLOCK`, `CAP_IPC_LOCK`).
    static func lock(_ base: UnsafeMutableRawPointer, byteCount: Int) -> Bool {
        unsafe mlock(base, byteCount) == 0
    }
}
