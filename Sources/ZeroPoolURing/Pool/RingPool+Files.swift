internal import CLibUring
internal import Glibc

/// Operations without a lease. Paths and addresses are copied: the caller may reuse its bytes at once. A path that is
/// longer than the kernel takes fails with `ENAMETOOLONG`; one with a zero byte traps.
extension RingPool {
    /// How ``open(path:from:flags:mode:resolution:context:)`` resolves a path (`openat2(2)`).
    public struct PathResolution: OptionSet, Sendable {
        /// The bits of `open_how.resolve`.
        public let rawValue: UInt64

        /// Any bits of `open_how.resolve`.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// Fail with `ELOOP` at links of procfs, which lead anywhere.
        public static let noMagicLinks = PathResolution(rawValue: 0x02)
        /// Fail with `ELOOP` at any symbolic link.
        public static let noSymbolicLinks = PathResolution(rawValue: 0x04)
        /// Fail with `EXDEV` instead of leaving the directory.
        public static let beneath = PathResolution(rawValue: 0x08)
    }

    /// Opens the file at `path`, relative to the directory `directory`. Result: a descriptor, which the caller closes
    /// (``Completed/descriptor``).
    ///
    /// `flags` and `mode` are those of `openat2(2)` (`O_RDONLY`, `O_CLOEXEC`, …); the mode is 0 unless a file is created.
    /// `EAGAIN` means that a directory on the way was moved meanwhile and `.beneath` could not be shown to hold: try again.
    @discardableResult
    public func open(
        path: RawSpan, from directory: Int32, flags: UInt64, mode: UInt32 = 0, resolution: PathResolution = [],
        context: UInt64
    ) -> UInt64 {
        // The three words of a `struct open_how` (kernel ABI).
        let howByteCount = 24
        var operands = Operands(byteCount: howByteCount + Operands.byteCount(ofPath: path))
        let how = operands.append(words: flags, UInt64(mode), resolution.rawValue)
        let address = operands.append(path: path)
        let userData = state.value.admit(operands, context: context, kind: .open)
        // The address of the structure stands in the offset field.
        state.value.ring.state.value.prepare(
            .openAt2, on: .file(directory), address: address, length: UInt32(howByteCount), offset: how,
            userData: userData)
        return userData
    }

    /// Reads the status of `file`, a descriptor of the process; direct descriptors have none. Result: 0
    /// (``Completed/fileStatus``).
    ///
    /// Runs on a kernel worker thread.
    @discardableResult
    public func status(of file: Int32, context: UInt64) -> UInt64 {
        var operands = Operands(byteCount: FileStatus.statxByteCount + 1)
        let statx = operands.reserve(FileStatus.statxByteCount)
        let noPath = operands.append(path: RawSpan())
        let userData = state.value.admit(operands, context: context, kind: .status)
        state.value.ring.state.value.prepare(
            .statx, on: .file(file), address: noPath, length: FileStatus.mask, offset: statx, userData: userData
        ) { $0.statx_flags = UInt32(AT_EMPTY_PATH) }
        return userData
    }

    /// Writes a file's data to its device, without times and the like if `isDataOnly` is set (`fdatasync`). Result: 0.
    @discardableResult
    public func sync(_ file: IODescriptor, isDataOnly: Bool = false, context: UInt64) -> UInt64 {
        let userData = state.value.admit(nil, context: context)
        state.value.ring.state.value.prepare(.sync, on: file, userData: userData) {
            if isDataOnly { $0.fsync_flags = UInt32(IORING_FSYNC_DATASYNC) }
        }
        return userData
    }

    /// Renames `path` in `directory` to `newPath` in `newDirectory`, and replaces what is there. Result: 0.
    ///
    /// This and the next two do not restrict where a path leads. For names from a peer, open the parent directory with
    /// ``PathResolution/beneath`` and pass a bare name.
    @discardableResult
    public func rename(
        path: RawSpan, in directory: Int32, to newPath: RawSpan, in newDirectory: Int32, context: UInt64
    ) -> UInt64 {
        var operands = Operands(
            byteCount: Operands.byteCount(ofPath: path) + Operands.byteCount(ofPath: newPath))
        let address = operands.append(path: path)
        let newAddress = operands.append(path: newPath)
        let userData = state.value.admit(operands, context: context)
        state.value.ring.state.value.prepare(
            .renameAt, on: .file(directory), address: address, length: UInt32(bitPattern: newDirectory),
            offset: newAddress, userData: userData)
        return userData
    }

    /// Removes the name `path` in `directory`: a file's, or an empty directory's if `isDirectory` is set. Result: 0.
    @discardableResult
    public func unlink(path: RawSpan, in directory: Int32, isDirectory: Bool = false, context: UInt64) -> UInt64 {
        let (address, userData) = admit(path: path, context: context)
        state.value.ring.state.value.prepare(
            .unlinkAt, on: .file(directory), address: address, userData: userData
        ) { if isDirectory { $0.unlink_flags = UInt32(AT_REMOVEDIR) } }
        return userData
    }

    /// Creates a directory with `mode`, less the process's umask, as `mkdirat(2)`. Result: 0.
    @discardableResult
    public func makeDirectory(
        path: RawSpan, in directory: Int32, mode: UInt32 = 0o777, context: UInt64
    ) -> UInt64 {
        let (address, userData) = admit(path: path, context: context)
        state.value.ring.state.value.prepare(
            .makeDirectoryAt, on: .file(directory), address: address, length: mode, userData: userData)
        return userData
    }

    /// Connects a socket to an address: the bytes of a `sockaddr_in`, `sockaddr_in6`, …, which are copied. Result: 0.
    @discardableResult
    public func connect(_ socket: IODescriptor, to address: RawSpan, context: UInt64) -> UInt64 {
        var operands = Operands(byteCount: address.byteCount)
        let copy = operands.append(address)
        let userData = state.value.admit(operands, context: context)
        state.value.ring.state.value.prepare(
            .connect, on: socket, address: copy, offset: UInt64(address.byteCount), userData: userData)
        return userData
    }

    /// Puts a descriptor of the process into a free slot of the ring's file table. Result: 1 (``Completed/fileSlot``),
    /// or `ENFILE` when no slot is free.
    ///
    /// The descriptor stays open, and the caller closes it. Runs when it is submitted.
    @discardableResult
    public func installFile(_ descriptor: Int32, context: UInt64) -> UInt64 {
        var operands = Operands(byteCount: 4)
        let address = operands.append(descriptor)
        let userData = state.value.admit(operands, context: context, kind: .fileSlot)
        state.value.ring.state.value.prepare(
            .updateFiles, on: .file(-1), address: address, length: 1, offset: UInt64(ZP_FILE_INDEX_ALLOCATE),
            userData: userData)
        return userData
    }

    /// Closes a descriptor, or frees a slot of the ring's file table. Result: 0.
    @discardableResult
    public func close(_ descriptor: IODescriptor, context: UInt64) -> UInt64 {
        let userData = state.value.admit(nil, context: context)
        state.value.ring.state.value.prepareClose(descriptor, userData: userData)
        return userData
    }

    private func admit(path: RawSpan, context: UInt64) -> (address: UInt64, userData: UInt64) {
        var operands = Operands(byteCount: Operands.byteCount(ofPath: path))
        let address = operands.append(path: path)
        return (address, state.value.admit(operands, context: context))
    }
}

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
