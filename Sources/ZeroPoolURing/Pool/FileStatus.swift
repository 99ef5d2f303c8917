internal import CLibUring

/// What `statx(2)` says of a file, as far as a server cares.
public struct FileStatus: Sendable, Equatable {
    /// A moment by the file system's clock.
    public struct Time: Sendable, Equatable {
        /// Seconds since 1970.
        public var seconds: Int
        /// What is beyond the second.
        public var nanoseconds: UInt32

        /// So long after the beginning of 1970.
        public init(seconds: Int, nanoseconds: UInt32 = 0) {
            self.seconds = seconds
            self.nanoseconds = nanoseconds
        }
    }

    /// What a server tells apart.
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
    /// Its number within its file system.
    public var number: UInt64
    /// When its content last changed.
    public var modified: Time
    /// When its content or its status last changed: nobody can set it.
    public var changed: Time
    /// What the memory of a read past the page cache has to be aligned to; 0 where that is not said, or impossible.
    public var directMemoryAlignment: Int
    /// What offset and length of a read past the page cache have to be multiples of; 0 where that is not said, or impossible.
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
