import Glibc
import ZeroPoolURing

@testable import PooledEcho

/// A simulated file system: files that change under way, and a disk that is slow, fails and gives less than was asked for.
final class SimulatedFiles {
    /// What a file holds at a time: a pattern of its own.
    struct Version: Equatable {
        var pattern: Int
        var byteCount: Int
        /// Counts changes of the whole file system: its clock.
        var modified: Int
    }

    final class File {
        let number: Int
        let kind: FileStatus.Kind
        /// The latest last.
        var versions: [Version]

        init(number: Int, kind: FileStatus.Kind, version: Version) {
            self.number = number
            self.kind = kind
            versions = [version]
        }

        var version: Version { versions[versions.count - 1] }

        var status: FileStatus {
            let time = FileStatus.Time(seconds: version.modified)
            return FileStatus(
                kind: kind, byteCount: version.byteCount, number: UInt64(number), modified: time, changed: time)
        }
    }

    /// How often what goes wrong, and how slow it is.
    struct Faults {
        var openFailure = 0.0
        var readFailure = 0.0
        var checkFailure = 0.0
        var shortRead = 0.0
        var interruption = 0.0
        var blockShortage = 0.0
        /// Whether files can be opened past the page cache.
        var refusesDirect = false
        /// An operation takes up to so many microseconds.
        var delay = 0
    }

    private struct Opened {
        var file: File
        var isDirect = false
        var operationCount = 0
    }

    let kernel: SimulatedKernel
    let faults: Faults
    /// What names lead to now, and every file that each ever led to.
    private(set) var paths: [String: File] = [:]
    private(set) var history: [String: [File]] = [:]
    /// Names that led to nothing for a time.
    private(set) var wasAbsent: Set<String> = []
    private var opened: [Int32: Opened] = [:]
    private var descriptorCount: Int32 = 100
    private var changeCount = 0

    init(_ kernel: SimulatedKernel, _ faults: Faults) {
        self.kernel = kernel
        self.faults = faults
    }

    var openCount: Int { opened.count }

    // MARK: Changes

    private func newVersion(byteCount: Int) -> Version {
        changeCount += 1
        return Version(pattern: 1000 + changeCount, byteCount: byteCount, modified: changeCount)
    }

    /// A new file takes the name.
    func put(_ path: String, _ kind: FileStatus.Kind, byteCount: Int) {
        let file = File(number: changeCount + 1, kind: kind, version: newVersion(byteCount: byteCount))
        paths[path] = file
        history[path, default: []].append(file)
    }

    /// The file gets other bytes, in place.
    func rewrite(_ path: String, byteCount: Int) {
        guard let file = paths[path] else { return }
        file.versions.append(newVersion(byteCount: byteCount))
    }

    func remove(_ path: String) {
        paths[path] = nil
        wasAbsent.insert(path)
    }

    // MARK: Operations

    private func strikes(_ probability: Double) -> Bool { kernel.strikes(probability) }

    /// Something on the disk: done after a while.
    private func later(_ action: @escaping () -> Void) {
        guard faults.delay > 0 else { return action() }
        kernel.after(kernel.generator.skewed(0, faults.delay), action)
    }

    func open(_ path: String, past pastCache: Bool, for connection: SimulatedConnection, operation: Int) {
        later { [unowned self] in
            if strikes(faults.openFailure) {
                let errno = kernel.generator.element([EACCES, ELOOP, EIO, EMFILE, EAGAIN, EXDEV, ENOMEM])
                return kernel.complete(operation, .openFailed(connection, errno: errno))
            }
            guard let file = paths[path] else {
                return kernel.complete(operation, .openFailed(connection, errno: ENOENT))
            }
            if pastCache, faults.refusesDirect {
                return kernel.complete(operation, .openFailed(connection, errno: EINVAL))
            }
            kernel.complete(operation, .opened(connection, file: open(file, pastCache), file.status))
        }
    }

    /// A listing is a file that nothing changes.
    func list(_ path: String, for connection: SimulatedConnection, operation: Int) {
        later { [unowned self] in
            guard path.isEmpty || paths[path]?.kind == .directory else {
                return kernel.complete(operation, .openFailed(connection, errno: ENOTDIR))
            }
            let byteCount = kernel.generator.integer(1, 500)
            let file = File(number: 0, kind: .regular, version: newVersion(byteCount: byteCount))
            history[path + "/", default: []].append(file)
            kernel.complete(operation, .opened(connection, file: open(file), file.status))
        }
    }

    private func open(_ file: File, _ isDirect: Bool = false) -> Int32 {
        descriptorCount += 1
        opened[descriptorCount] = Opened(file: file, isDirect: isDirect)
        return descriptorCount
    }

    func read(
        _ box: LeaseBox, byteCount: Int, from descriptor: Int32, offset: Int, for connection: SimulatedConnection,
        operation: Int
    ) {
        guard begin(descriptor, connection) else { return }
        let isDirect = opened[descriptor]?.isDirect ?? false
        if isDirect, offset % 4096 != 0 || byteCount % 4096 != 0 || box.byteCount != 0 {
            kernel.trace.violate("reads past the page cache are aligned", connection.id, offset)
        }
        later { [unowned self] in
            guard let file = end(descriptor) else { return }
            if strikes(faults.interruption) {
                return kernel.complete(operation, .read(connection, box, byteCount: 0, errno: EINTR))
            }
            if strikes(faults.readFailure) {
                return kernel.complete(operation, .read(connection, box, byteCount: 0, errno: EIO))
            }
            var count = max(0, min(byteCount, file.version.byteCount - offset))
            if count > 1, strikes(faults.shortRead) { count = kernel.generator.integer(1, count - 1) }
            // Past the page cache short ones are of whole pages too, but at the end of the file.
            if isDirect, offset + count < file.version.byteCount { count &= ~4095 }
            if isDirect, count == 0, offset < file.version.byteCount {
                count = min(4096, file.version.byteCount - offset)
            }
            box.append(SimulatedFiles.bytes(file.version, offset..<offset + count))
            kernel.complete(operation, .read(connection, box, byteCount: count, errno: 0))
        }
    }

    func check(_ descriptor: Int32, for connection: SimulatedConnection, operation: Int) {
        guard begin(descriptor, connection) else { return }
        later { [unowned self] in
            guard let file = end(descriptor) else { return }
            kernel.complete(operation, .checked(connection, strikes(faults.checkFailure) ? nil : file.status))
        }
    }

    func close(_ descriptor: Int32) {
        let isIdle = opened[descriptor]?.operationCount == 0
        if !isIdle { kernel.trace.violate("a file is closed once, after its last operation", .min, Int(descriptor)) }
        opened[descriptor] = nil
    }

    private func begin(_ descriptor: Int32, _ connection: SimulatedConnection) -> Bool {
        guard opened[descriptor] != nil else {
            kernel.trace.violate("only open files are read", connection.id, Int(descriptor))
            return false
        }
        opened[descriptor]?.operationCount += 1
        return true
    }

    private func end(_ descriptor: Int32) -> File? {
        opened[descriptor]?.operationCount -= 1
        return opened[descriptor]?.file
    }

    // MARK: Bytes

    static func bytes(_ version: Version, _ range: Range<Int>) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        bytes.withUnsafeMutableBytes { StreamPattern.copy(version.pattern, from: range.lowerBound, to: $0) }
        return bytes
    }
}
