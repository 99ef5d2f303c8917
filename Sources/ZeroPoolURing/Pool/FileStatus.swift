internal import CLibUring

/// The status of a file from `statx(2)`, as far as a server needs it.
public struct FileStatus: Sendable, Equatable {
    /// A moment by the file system's clock.
    public struct Time: Sendable, Equatable {
        /// Seconds since 1970.
        public var seconds: Int
        /// Nanoseconds after the second.
        public var nanoseconds: UInt32

        /// This long after the beginning of 1970.
        public init(seconds: Int, nanoseconds: UInt32 = 0) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }
    }

    /// The kinds of files that a server distinguishes.
    public enum Kind: Sendable, Equatable {
        case regular
        case directory
        /// A device, a pipe, a socket.
        case other
    }

    /// Regular file, directory, or something else.
    public var kind: Kind
    /// Bytes of a regular file.
    public var byteCount: Int
    /// The file's number (inode) within its file system.
    public var number: UInt64
    /// When the content last changed.
    public var modified: Time
    /// When the content or the status last changed. Programs can't set it.
    public var changed: Time
    /// The alignment of memory for a read past the page cache; 0 when unknown or impossible.
    public var directMemoryAlignment: Int
    /// The alignment of offset and length for a read past the page cache; 0 when unknown or impossible.
    public var directOffsetAlignment: Int

    /// A status for a file that no `statx` was asked about, such as a simulated one.
    public init(
        kind: Kind, byteCount: Int, number: UInt64, modified: Time, changed: Time, directMemoryAlignment: Int = 0,
        directOffsetAlignment: Int = 0
    ) {
        self.kind = kind
        self.byteCount = byteCount
        self.number = number
        self.modified = modified
        self.changed = changed
        self.directMemoryAlignment = directMemoryAlignment
        self.directOffsetAlignment = directOffsetAlignment
    }

    /// As many bytes as the kernel writes.
    static let statxByteCount = 256
    /// `STATX_BASIC_STATS | STATX_DIOALIGN`. The latter since kernel 6.1; older ones leave its fields 0.
    static let mask: UInt32 = 0x7ff | 0x2000

    /// What the kernel wrote at the beginning of the operands: a `struct statx` (`linux/stat.h`), whose layout is kernel
    /// ABI.
    init(statx: borrowing Operands) {
        kind =
            switch statx.load(UInt16.self, at: 28) & 0xf000 {
            case 0x8000: .regular
            case 0x4000: .directory
            default: .other
            }
        number = statx.load(UInt64.self, at: 32)
        byteCount = Int(clamping: statx.load(UInt64.self, at: 40))
        changed = Time(statx, at: 96)
        modified = Time(statx, at: 112)
        directMemoryAlignment = Int(statx.load(UInt32.self, at: 152))
        directOffsetAlignment = Int(statx.load(UInt32.self, at: 156))
    }
}

extension FileStatus.Time {
    fileprivate init(_ statx: borrowing Operands, at offset: Int) {
        seconds = Int(statx.load(Int64.self, at: offset))
        nanoseconds = statx.load(UInt32.self, at: offset + 8)
    }
}

/// What the kernel has of files in memory.
public enum PageCache {
    /// How many of the `count` bytes at `offset` of a file are in the page cache, in whole pages. Nil when the kernel
    /// does not say: before 6.5, or when the process may not ask about the file.
    ///
    /// Calls `cachestat(2)`, which does not wait for the disk. Cost: some nanoseconds per page.
    public static func residentByteCount(of file: Int32, offset: Int, count: Int) -> Int? {
        guard count > 0 else { return 0 }
        let pageCount = zp_cached_page_count(file, UInt64(offset), UInt64(count))
        return pageCount < 0 ? nil : min(count, Int(pageCount) * pageByteCount)
    }

    private static let pageByteCount = Int(zp_page_size())
}
