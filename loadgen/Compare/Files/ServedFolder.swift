import FoundationEssentials
import Glibc
import SystemSupport

/// The folder that the servers under test serve: a file for each case. `remove()` takes it away again.
struct ServedFolder: Sendable {
    /// Where it is made.
    struct Place: Encodable, Sendable {
        let folder: String
        /// As the file system was mounted: `ext4`, `tmpfs`; nil where none is told.
        let fileSystem: String?
    }

    let path: String
    let place: Place
    private let files: [FileCase: ServedFile]

    /// Writes the files, 256 MiB or more of them.
    /// - Parameter parent: The folder in which it is made; nil for a folder of the system.
    init(for cases: [FileCase], in parent: String?) throws(SystemError) {
        let parent = parent ?? Self.systemFolder
        place = Place(folder: parent, fileSystem: FileSystem.kind(ofFolder: parent))
        let path = "\(parent)/loadgen-files-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        self.path = path
        var files: [FileCase: ServedFile] = [:]
        for (index, fileCase) in cases.enumerated() {
            let name = "\(index)-\(fileCase.pageCache.rawValue)"
            files[fileCase] = ServedFile(
                folder: path, name: name, patternStream: index, byteCount: fileCase.fileByteCount)
        }
        self.files = files
        // Before they are made: whenever loadgen is told to end, nothing stays behind.
        Interruption.willRemove(files.values.map(\.path) + [path])
        guard unsafe mkdir(path, 0o700) == 0 else { throw SystemError("a folder in \(parent)") }
        do {
            for file in files.values { try file.write() }
        } catch {
            remove()
            throw error
        }
    }

    func file(for fileCase: FileCase) -> ServedFile { files[fileCase]! }

    func remove() {
        for file in files.values { unsafe unlink(file.path) }
        unsafe rmdir(path)
    }

    /// Where the system has temporary files; where that is in memory, and nothing can be cold, the one that outlives a restart.
    private static var systemFolder: String {
        let temporary = FileManager.default.temporaryDirectory.path
        let lasting = "/var/tmp"
        let lastingIsDisk = FileSystem.kind(ofFolder: lasting) != nil && !isInMemory(lasting)
        return isInMemory(temporary) && lastingIsDisk ? lasting : temporary
    }

    /// Whether all that a folder has is in memory anyway.
    static func isInMemory(_ folder: String) -> Bool {
        ["tmpfs", "ramfs"].contains(FileSystem.kind(ofFolder: folder))
    }
}

/// A file that the servers under test serve: the beginning of a stream of the byte pattern, so that what comes is verified without
/// another copy, and without reading the file, which would bring it into the page cache.
struct ServedFile: Sendable {
    let folder: String
    let name: String
    let patternStream: Int
    let byteCount: Int

    var path: String { "\(folder)/\(name)" }

    /// What every answer's body has to be.
    var body: ReferenceBody { ReferenceBody(patternStream: patternStream, byteCount: byteCount) }

    /// Makes the file, down to the disk: what is not there yet can't be dropped from the page cache.
    func write() throws(SystemError) {
        try withDescriptor(O_WRONLY | O_CREAT | O_EXCL) { descriptor throws(SystemError) in
            var offset = 0
            while offset < byteCount {
                let run = unsafe BytePattern.shared.run(
                    connection: patternStream, offset: offset,
                    byteCount: min(byteCount - offset, BytePattern.longestRunByteCount))
                offset += try check(unsafe Glibc.write(descriptor, run.baseAddress, run.count))
            }
            try check(Int(fsync(descriptor)))
        }
    }

    /// Reads all of it.
    func bringIntoPageCache() throws(SystemError) {
        try withDescriptor(O_RDONLY) { descriptor throws(SystemError) in
            var part = [UInt8](repeating: 0, count: 1 << 20)
            while try check(unsafe read(descriptor, &part, part.count)) > 0 {}
        }
    }

    /// Asks the system to drop it, which it does not have to.
    func dropFromPageCache() throws(SystemError) {
        try withDescriptor(O_RDONLY) { descriptor throws(SystemError) in
            let status = posix_fadvise(descriptor, 0, 0, Int32(POSIX_FADV_DONTNEED))
            guard status == 0 else { throw SystemError("dropping \(path) from the page cache", errno: status) }
        }
    }

    /// How much of it is in the page cache, in whole pages; by `mincore(2)`, which any kernel has.
    func residentByteCount() throws(SystemError) -> Int {
        try withDescriptor(O_RDONLY) { descriptor throws(SystemError) in
            let mapping = unsafe mmap(nil, byteCount, PROT_READ, MAP_SHARED, descriptor, 0)
            guard let mapping = unsafe mapping, unsafe mapping != MAP_FAILED else { throw SystemError(path) }
            defer { unsafe munmap(mapping, byteCount) }
            let pageByteCount = Int(getpagesize())
            var pages = [UInt8](repeating: 0, count: (byteCount + pageByteCount - 1) / pageByteCount)
            try check(Int(unsafe mincore(mapping, byteCount, &pages)))
            return min(byteCount, pages.count { $0 & 1 == 1 } * pageByteCount)
        }
    }

    private func withDescriptor<Result>(
        _ flags: Int32, _ body: (Int32) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let descriptor = unsafe open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError(path) }
        defer { close(descriptor) }
        return try body(descriptor)
    }

    @discardableResult
    private func check(_ result: Int) throws(SystemError) -> Int {
        guard result >= 0 else { throw SystemError(path) }
        return result
    }
}
