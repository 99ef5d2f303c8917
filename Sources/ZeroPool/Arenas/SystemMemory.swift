import CZeroPool

#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

/// The system's side of an arena: mapping, advice, locking. Errors are results, never traps.
enum SystemMemory {
    /// The size and alignment of a huge page, and so of arenas: 2 MiB.
    static let hugePageByteCount = 2 << 20

    /// Maps `byteCount` bytes (a whole number of huge pages) at a multiple of 2 MiB, advised to huge pages, or
    /// against them: without advice the system's own setting would decide, and `false` mean nothing on half the machines.
    ///
    /// Memory is not touched: pages come on first use, from the processor that uses them.
    /// - Returns: nil when the system refuses (address space, overcommit, `RLIMIT_AS`).
    static func map(byteCount: Int, hugePages: Bool) -> UnsafeMutableRawPointer? {
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
        unsafe _ = madvise(base, byteCount, hugePages ? MADV_HUGEPAGE : MADV_NOHUGEPAGE)
        return unsafe base
    }

    /// Has the calling thread fault in each page of memory in which nothing is written yet.
    static func touch(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        for offset in stride(from: 0, to: byteCount, by: 4096) {
            unsafe (base + offset).storeBytes(of: 0, as: UInt8.self)
        }
    }

    static func unmap(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        let result = unsafe munmap(base, byteCount)
        assert(result == 0, "munmap of a mapping of our own")
    }

    /// Locks the range into memory. - Returns: false when refused (`RLIMIT_MEMLOCK`, `CAP_IPC_LOCK`; a kernel before 4.4).
    ///
    /// Pages are locked as they are first touched (`MLOCK_ONFAULT`). Plain `mlock` would have the whole arena faulted in
    /// here, under the shard's lock: up to 1 GiB, of which a single page may be wanted. The limit is charged with the
    /// whole range either way (mlock(2)). Unmapping unlocks.
    static func lock(_ base: UnsafeMutableRawPointer, byteCount: Int) -> Bool {
        unsafe zeropool_lock(base, UInt64(byteCount)) == 0
    }

    /// As many bytes as the process may lock; nil where nothing limits it.
    static var lockLimitByteCount: Int? {
        let limit = zeropool_lock_limit()
        return limit < 0 ? nil : Int(limit)
    }

    /// Overwrites memory with zeroes, by a call that no compiler leaves out because nobody reads them.
    static func wipe(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe explicit_bzero(base, byteCount)
    }
}
