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
