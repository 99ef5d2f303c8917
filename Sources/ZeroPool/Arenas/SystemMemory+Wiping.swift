#if canImport(Musl)
    import Musl
#else
    import Glibc
#endif

extension SystemMemory {
    /// Overwrites memory with zeroes, by a call that no compiler leaves out because nobody reads them.
    static func wipe(_ base: UnsafeMutableRawPointer, byteCount: Int) {
        unsafe explicit_bzero(base, byteCount)
    }
}
