internal import Glibc
public import ZeroPool
public import ZeroPoolURing

/// A directory beneath which files are opened. Closed with its last reference. Any thread may keep one.
public final class Directory: Sendable {
    let descriptor: Int32

    /// Opens the directory at `path`. Blocks. Throws when it is not a directory, or may not be searched.
    public init(path: String) throws(IOError) {
        descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw IOError(.open, errno: errno) }
        // The right to read a directory's names does not include the right to open its files.
        guard unsafe faccessat(descriptor, ".", X_OK, 0) == 0 else {
            let error = IOError(.open, errno: errno)
            _ = Glibc.close(descriptor)
            throw error
        }
    }

    deinit { _ = Glibc.close(descriptor) }
}

/// How a file is opened.
public struct OpenOptions: OptionSet, Sendable {
    /// The bits.
    public let rawValue: UInt32

    /// Wraps the bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// For reading. The default without ``write``.
    public static let read = OpenOptions(rawValue: 1)
    /// For writing.
    public static let write = OpenOptions(rawValue: 2)
    /// Creates the file when it does not exist.
    public static let create = OpenOptions(rawValue: 4)
    /// Fails when the file exists.
    public static let exclusive = OpenOptions(rawValue: 8)
    /// Empties the file.
    public static let truncate = OpenOptions(rawValue: 16)
    /// Reads and writes past the page cache (`O_DIRECT`). Offsets, lengths and memory must be aligned
    /// (`FileStatus.directOffsetAlignment`); pool buffers are.
    public static let direct = OpenOptions(rawValue: 32)
    /// Fails when it is not a directory.
    public static let directory = OpenOptions(rawValue: 64)

    /// The flags for `openat2(2)`. An open never waits for the other end of a pipe or for a device.
    var flags: UInt64 {
        var flags = O_NONBLOCK | O_CLOEXEC | O_NOCTTY
        flags |= contains(.write) ? (contains(.read) ? O_RDWR : O_WRONLY) : O_RDONLY
        if contains(.create) { flags |= O_CREAT }
        if contains(.exclusive) { flags |= O_EXCL }
        if contains(.truncate) { flags |= O_TRUNC }
        if contains(.directory) { flags |= O_DIRECTORY }
        return UInt64(flags) | (contains(.direct) ? Self.directFlag : 0)
    }

    /// `O_DIRECT`, which Swift's Glibc does not show.
    #if arch(arm64)
        private static let directFlag: UInt64 = 0x10000
    #else
        private static let directFlag: UInt64 = 0x4000
    #endif
}

/// An open file of a reactor. Closed through the ring with its last reference.
///
/// Use it on its reactor's thread only. Several reads and writes may be in flight at once.
public final class File: @unchecked Sendable {
    /// The reactor that it belongs to.
    public let reactor: Reactor
    /// The status when the file was opened.
    public let status: FileStatus
    let descriptor: Int32

    /// Takes over an open descriptor.
    package init(_ descriptor: Int32, status: FileStatus, of reactor: Reactor) {
        self.descriptor = descriptor
        self.status = status
        self.reactor = reactor
    }

    deinit {
        if reactor.isOwnThread, reactor.canWork {
            reactor.ring.closeFile(descriptor)
        } else {
            _ = Glibc.close(descriptor)
        }
    }

    /// Another descriptor of the same file, which the caller closes.
    package func duplicate() throws(IOError) -> Int32 {
        let duplicate = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard duplicate >= 0 else { throw IOError(.open, errno: errno) }
        return duplicate
    }

    /// The status now. Its reactor's thread only.
    public nonisolated(nonsending) func currentStatus(deadline: Deadline? = nil) async throws(IOError) -> FileStatus {
        let outcome = try await reactor.perform(.status(descriptor), .status, deadline: deadline)
        guard outcome.result >= 0, let status = outcome.status else {
            throw IOError(.status, errno: -outcome.result)
        }
        return status
    }

    /// Reads at `offset`, and appends to the written bytes of `buffer`: at most `byteCount` bytes, by default as many
    /// as fit.
    ///
    /// Returns the buffer. It has fewer new bytes at the end of the file, and none beyond the end. Registered memory is
    /// read with `READ_FIXED`. Throws errors such as `EIO`, and `EAGAIN` for a pipe or a device without data. Its
    /// reactor's thread only. Traps when `byteCount` bytes don't fit.
    public nonisolated(nonsending) func read(
        into buffer: consuming PooledBuffer, byteCount: Int? = nil, at offset: Int, deadline: Deadline? = nil
    ) async throws(IOError) -> PooledBuffer {
        var buffer: PooledBuffer? = consume buffer
        while true {
            guard let lease = buffer.take() else { preconditionFailure("a read returns its buffer") }
            let byteCount = byteCount ?? lease.capacity - lease.count
            var outcome = try await reactor.perform(
                .read(lease, byteCount: byteCount, file: descriptor, offset: offset), .read, deadline: deadline)
            let result = outcome.result
            buffer = outcome.lease.take()
            if result >= 0, let buffer = buffer.take() { return buffer }
            guard result == -EINTR else { throw IOError(.read, errno: -result) }
        }
    }

    /// Writes all written bytes of `buffer`, or those in `range`, at `offset`. Returns the buffer.
    ///
    /// Registered memory is written with `WRITE_FIXED`. Throws errors such as `ENOSPC`; a part may have been written.
    /// Its reactor's thread only. Traps when `range` exceeds the written bytes.
    public nonisolated(nonsending) func write(
        _ buffer: consuming PooledBuffer, range: Range<Int>? = nil, at offset: Int, deadline: Deadline? = nil
    ) async throws(IOError) -> PooledBuffer {
        var range = range ?? 0..<buffer.count
        var offset = offset
        var rest: PooledBuffer? = consume buffer
        while true {
            guard let lease = rest.take() else { preconditionFailure("a write returns its buffer") }
            if range.isEmpty { return lease }
            var outcome = try await reactor.perform(
                .write(lease, range: range, file: descriptor, offset: offset), .write, deadline: deadline)
            let result = outcome.result
            rest = outcome.lease.take()
            if result == -EINTR { continue }
            guard result > 0 else { throw IOError(.write, errno: result == 0 ? EIO : -result) }
            range = range.lowerBound + Int(result)..<range.upperBound
            offset += Int(result)
        }
    }

    /// Waits until the file's bytes are on its disk, and its status too unless `dataOnly` is set. Throws errors such as
    /// `EIO`.
    public nonisolated(nonsending) func sync(
        dataOnly: Bool = false, deadline: Deadline? = nil
    ) async throws(IOError) {
        let outcome = try await reactor.perform(.sync(descriptor, dataOnly: dataOnly), .sync, deadline: deadline)
        guard outcome.result >= 0 else { throw IOError(.sync, errno: -outcome.result) }
    }

    /// Whether most of these bytes are in the page cache. True when the kernel can't tell. Does not wait for the disk.
    public func isResident(_ range: Range<Int>) -> Bool {
        reactor.requireThread()
        return !reactor.canWork || reactor.ring.isResident(descriptor, range)
    }
}

/// Files by name. A path is relative to a directory that it can't leave, whatever links it meets (`EXDEV`).
extension Reactor {
    /// The kernel's limit for a path.
    private static var maxPathByteCount: Int { 4095 }
    /// An open is tried at most this often when a component of its path was moved meanwhile.
    private static var maxAttemptCount: Int { 4 }

    /// Opens a file beneath `directory` and reads its status.
    ///
    /// A new file gets `mode`, less the process's umask. Throws the kernel's `errno`, such as `ENOENT`, and `EXDEV` for
    /// a path that leads out of the directory. Its thread only. Cost: two operations of the ring.
    public nonisolated(nonsending) func open(
        _ path: String, beneath directory: Directory, _ options: OpenOptions = .read, mode: UInt32 = 0o644,
        deadline: Deadline? = nil
    ) async throws(IOError) -> File {
        try await open(path: Array(path.utf8), beneath: directory, options, mode: mode, deadline: deadline)
    }

    /// The same for a path that may not be UTF-8.
    public nonisolated(nonsending) func open(
        path: [UInt8], beneath directory: Directory, _ options: OpenOptions = .read, mode: UInt32 = 0o644,
        deadline: Deadline? = nil
    ) async throws(IOError) -> File {
        try Self.check(path, .open)
        var attemptCount = 0
        while true {
            let outcome = try await perform(
                .open(
                    path: path, directory: directory.descriptor, flags: options.flags,
                    mode: options.contains(.create) ? mode : 0, resolution: [.beneath, .noMagicLinks]), .open,
                deadline: deadline)
            attemptCount += 1
            if outcome.result == -EAGAIN, attemptCount < Self.maxAttemptCount { continue }
            guard outcome.result >= 0, let status = outcome.status else {
                throw IOError(.open, errno: -outcome.result)
            }
            return File(outcome.result, status: status, of: self)
        }
    }

    /// Renames a file or directory. Replaces a file or an empty directory at `newPath`.
    ///
    /// Both paths are beneath `directory`, or the new path beneath `newDirectory`. Throws the kernel's `errno`. Its
    /// thread only. Cost: one operation of the ring, and an open per path that has more than one component.
    public nonisolated(nonsending) func rename(
        _ path: String, in directory: Directory, to newPath: String, in newDirectory: Directory? = nil,
        deadline: Deadline? = nil
    ) async throws(IOError) {
        let old = try await place(of: path, beneath: directory, .rename, deadline)
        let new = try await place(of: newPath, beneath: newDirectory ?? directory, .rename, deadline)
        let outcome = try await perform(
            .rename(from: old.name, directory: old.descriptor, to: new.name, newDirectory: new.descriptor), .rename,
            deadline: deadline)
        withExtendedLifetime((old, new)) {}
        guard outcome.result >= 0 else { throw IOError(.rename, errno: -outcome.result) }
    }

    /// Removes a file's name, or an empty directory when `isDirectory` is set. Errors, thread and cost as for `rename`.
    public nonisolated(nonsending) func unlink(
        _ path: String, in directory: Directory, isDirectory: Bool = false, deadline: Deadline? = nil
    ) async throws(IOError) {
        let place = try await place(of: path, beneath: directory, .unlink, deadline)
        let outcome = try await perform(
            .unlink(path: place.name, directory: place.descriptor, isDirectory: isDirectory), .unlink,
            deadline: deadline)
        withExtendedLifetime(place) {}
        guard outcome.result >= 0 else { throw IOError(.unlink, errno: -outcome.result) }
    }

    /// Creates a directory with `mode`, less the process's umask. Errors, thread and cost as for `rename`.
    public nonisolated(nonsending) func makeDirectory(
        _ path: String, in directory: Directory, mode: UInt32 = 0o755, deadline: Deadline? = nil
    ) async throws(IOError) {
        let place = try await place(of: path, beneath: directory, .makeDirectory, deadline)
        let outcome = try await perform(
            .makeDirectory(path: place.name, directory: place.descriptor, mode: mode), .makeDirectory,
            deadline: deadline)
        withExtendedLifetime(place) {}
        guard outcome.result >= 0 else { throw IOError(.makeDirectory, errno: -outcome.result) }
    }

    /// Seconds since 1970 by the wall clock. Its thread only. Cost: a system call.
    public var wallClockSeconds: Int {
        requireThread()
        return canWork ? ring.wallClockSeconds : time(nil)
    }

    // MARK: Paths

    /// An open directory, and a name in it.
    private struct Place {
        let directory: Directory
        /// The directory that has the name, if that is not `directory` itself.
        var parent: File?
        let name: [UInt8]

        var descriptor: Int32 { parent?.descriptor ?? directory.descriptor }
    }

    /// Opens the directory that has the last component of a path. Only `openat2` can be told to stay beneath a
    /// directory, so the other calls get a bare name in a directory that was opened that way.
    private nonisolated(nonsending) func place(
        of path: String, beneath directory: Directory, _ operation: IOError.Operation, _ deadline: Deadline?
    ) async throws(IOError) -> Place {
        var path = Array(path.utf8)
        try Self.check(path, operation)
        while path.last == UInt8(ascii: "/"), path.count > 1 { path.removeLast() }
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else {
            // The directory's own parent is not beneath it.
            guard path != Array("..".utf8) else { throw IOError(operation, errno: EXDEV) }
            return Place(directory: directory, name: path)
        }
        guard slash > 0 else { throw IOError(operation, errno: EXDEV) }
        let name = Array(path[(slash + 1)...])
        // Nothing would check where a `..` at the end leads.
        guard name != Array("..".utf8) else { throw IOError(operation, errno: EINVAL) }
        do throws(IOError) {
            let parent = try await open(
                path: Array(path[..<slash]), beneath: directory, .directory, deadline: deadline)
            return Place(directory: directory, parent: parent, name: name)
        } catch {
            throw error.during(operation)
        }
    }

    private static func check(_ path: [UInt8], _ operation: IOError.Operation) throws(IOError) {
        if path.isEmpty { throw IOError(operation, errno: ENOENT) }
        if path.count > maxPathByteCount { throw IOError(operation, errno: ENAMETOOLONG) }
        if path.contains(0) { throw IOError(operation, errno: EINVAL) }
    }
}
