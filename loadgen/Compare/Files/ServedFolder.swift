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
