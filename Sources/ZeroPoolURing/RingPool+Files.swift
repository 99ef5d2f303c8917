public import ZeroPool

/// Operations on files by name. What the kernel reads and writes meanwhile stands in a lease behind its written bytes, and
/// so lies still: those bytes are as they were when the lease comes out.
extension RingPool {
    /// How a path may be resolved (`openat2(2)`).
    public struct PathResolution: OptionSet, Sendable {
        /// The bits of `open_how.resolve`.
        public let rawValue: UInt64

        /// Any bits of `open_how.resolve`.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// No links of procfs, which lead anywhere.
        public static let noMagicLinks = PathResolution(rawValue: 0x02)
        /// No symbolic links at all.
        public static let noSymbolicLinks = PathResolution(rawValue: 0x04)
        /// Never out of the directory that it begins at: `EXDEV`.
        public static let beneath = PathResolution(rawValue: 0x08)
    }

    /// Room that an operation on a path needs behind the path; that of a status without one too.
    public static let fileOperationByteCount = 512

    /// Opens the file whose path is the written bytes of `path`, from `directory` on. Result: a descriptor.
    ///
    /// `flags` are those of `openat2(2)` (`O_RDONLY`, `O_CLOEXEC`, …). `EAGAIN` where a name on the way was moved meanwhile, and
    /// `.beneath` could not be shown to hold: try again.
    /// Traps without room for ``fileOperationByteCount`` more bytes.
    @discardableResult
    public func open(
        _ path: consuming PooledBuffer, from directory: Int32, flags: UInt64, resolution: PathResolution,
        context: UInt64
    ) -> UInt64 {
        Self.requireRoom(path)
        let start = unsafe UnsafeRawPointer(path.baseAddress)
        let how = unsafe Self.aligned(behind: path)
        // SAFETY: there is room for the zero at the path's end and the three words of a `struct open_how` (kernel ABI).
        unsafe path.baseAddress.storeBytes(of: 0, toByteOffset: path.count, as: UInt8.self)
        unsafe how.storeBytes(of: flags, as: UInt64.self)
        unsafe how.storeBytes(of: 0, toByteOffset: 8, as: UInt64.self)
        unsafe how.storeBytes(of: resolution.rawValue, toByteOffset: 16, as: UInt64.self)
        let userData = unsafe state.pointee.admit(path, context: context, fillsLease: false)
        unsafe state.pointee.ring.open(
            start, from: directory, how: UnsafeRawBufferPointer(start: how, count: 24), userData: userData)
        return userData
    }

    /// Asks what `file`, a descriptor of the process, is. Result: 0; then `FileStatus(of:)` reads it from the lease.
    ///
    /// Traps without room for ``fileOperationByteCount`` more bytes.
    @discardableResult
    public func status(of file: Int32, into lease: consuming PooledBuffer, context: UInt64) -> UInt64 {
        Self.requireRoom(lease)
        let status = unsafe Self.aligned(behind: lease)
        let userData = unsafe state.pointee.admit(lease, context: context, fillsLease: false)
        unsafe state.pointee.ring.status(of: file, mask: FileStatus.mask, into: status, userData: userData)
        return userData
    }

    private static func requireRoom(_ lease: borrowing PooledBuffer) {
        precondition(lease.capacity - lease.count >= fileOperationByteCount, "the lease has no room for the operation")
    }

    /// Past a byte behind the written ones, the next place for a word.
    @unsafe
    static func aligned(behind lease: borrowing PooledBuffer) -> UnsafeMutableRawPointer {
        unsafe lease.baseAddress + (lease.count + 8) & ~7
    }
}
