public import ZeroPool

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

    /// What it is.
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

    /// What the kernel wrote: a `struct statx` (`linux/stat.h`), whose layout is kernel ABI.
    @unsafe
    init(statx: UnsafeRawPointer) {
        func value<Number: FixedWidthInteger>(_ type: Number.Type, at offset: Int) -> Number {
            unsafe statx.load(fromByteOffset: offset, as: type)
        }
        func time(at offset: Int) -> Time {
            Time(seconds: Int(value(Int64.self, at: offset)), nanoseconds: value(UInt32.self, at: offset + 8))
        }
        switch value(UInt16.self, at: 28) & 0xf000 {
        case 0x8000: kind = .regular
        case 0x4000: kind = .directory
        default: kind = .other
        }
        number = value(UInt64.self, at: 32)
        byteCount = Int(clamping: value(UInt64.self, at: 40))
        changed = time(at: 96)
        modified = time(at: 112)
        directMemoryAlignment = Int(value(UInt32.self, at: 152))
        directOffsetAlignment = Int(value(UInt32.self, at: 156))
    }

    /// Of the lease that comes out of a completed, successful ``RingPool/status(of:into:context:)``, as it comes out.
    ///
    /// Unsafe: of another lease it shows what earlier users left in its memory.
    @unsafe
    public init(of lease: borrowing PooledBuffer) {
        unsafe self.init(statx: RingPool.aligned(behind: lease))
    }
}
