import Glibc
import ZeroPoolURing

@testable import ZeroPoolReactor
import TestSupport

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
        /// Paths that can't be opened, and why.
        var openErrnos: [String: Int32] = [:]
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
    /// Beyond what a process may have: a reactor whose ring is dead closes files by itself.
    private var descriptorCount: Int32 = 1 << 30
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

    func open(_ path: String, past pastCache: Bool, _ token: OperationToken, operation: Int) {
        let complete = { [kernel] (result: Int32, status: FileStatus?) in
            kernel.complete(operation, .completed(token, result: result, nil, status))
        }
        later { [unowned self] in
            if strikes(faults.openFailure) {
                return complete(-kernel.generator.element([EACCES, ELOOP, EIO, EMFILE, EAGAIN, EXDEV, ENOMEM]), nil)
            }
            if let errno = faults.openErrnos[path] { return complete(-errno, nil) }
            guard let file = paths[path] else { return complete(-ENOENT, nil) }
            if pastCache, faults.refusesDirect { return complete(-EINVAL, nil) }
            complete(open(file, pastCache), file.status)
        }
    }

    private func open(_ file: File, _ isDirect: Bool = false) -> Int32 {
        descriptorCount += 1
        opened[descriptorCount] = Opened(file: file, isDirect: isDirect)
        return descriptorCount
    }

    /// A read that is cancelled may end so before the disk has done it; it may as well go on.
    func read(
        _ box: LeaseBox, byteCount: Int, from descriptor: Int32, offset: Int, _ token: OperationToken, operation: Int
    ) {
        guard begin(descriptor) else { return }
        let isDirect = opened[descriptor]?.isDirect ?? false
        if isDirect, offset % 4096 != 0 || byteCount % 4096 != 0 || box.byteCount != 0 {
            kernel.trace.violate("reads past the page cache are aligned", SimulationTrace.none, offset)
        }
        let complete = { [unowned self] (result: Int32) in
            kernel.running[token] = nil
            end(descriptor)
            kernel.complete(operation, .completed(token, result: result, box, nil))
        }
        let mayCancel = strikes(0.5)
        kernel.running[token] = { if mayCancel { complete(-ECANCELED) } }
        later { [unowned self] in
            guard kernel.running[token] != nil, let file = opened[descriptor]?.file else { return }
            if strikes(faults.interruption) { return complete(-EINTR) }
            if strikes(faults.readFailure) { return complete(-EIO) }
            var count = max(0, min(byteCount, file.version.byteCount - offset))
            if count > 1, strikes(faults.shortRead) { count = kernel.generator.integer(1, count - 1) }
            // Past the page cache short ones are of whole pages too, but at the end of the file.
            if isDirect, offset + count < file.version.byteCount { count &= ~4095 }
            if isDirect, count == 0, offset < file.version.byteCount {
                count = min(4096, file.version.byteCount - offset)
            }
            box.append(SimulatedFiles.bytes(file.version, offset..<offset + count))
            complete(Int32(count))
        }
    }

    func status(_ descriptor: Int32, _ token: OperationToken, operation: Int) {
        guard begin(descriptor) else { return }
        later { [unowned self] in
            let status = opened[descriptor]?.file.status
            end(descriptor)
            let isFailed = strikes(faults.checkFailure)
            kernel.complete(operation, .completed(token, result: isFailed ? -EIO : 0, nil, isFailed ? nil : status))
        }
    }

    func close(_ descriptor: Int32) {
        let isIdle = opened[descriptor]?.operationCount == 0
        if !isIdle { kernel.trace.violate("a file is closed once, after its last operation", .min, Int(descriptor)) }
        opened[descriptor] = nil
    }

    private func begin(_ descriptor: Int32) -> Bool {
        guard opened[descriptor] != nil else {
            kernel.trace.violate("only open files are read", SimulationTrace.none, Int(descriptor))
            return false
        }
        opened[descriptor]?.operationCount += 1
        return true
    }

    private func end(_ descriptor: Int32) { opened[descriptor]?.operationCount -= 1 }

    // MARK: Bytes

    static func bytes(_ version: Version, _ range: Range<Int>) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        bytes.withUnsafeMutableBytes { StreamPattern.copy(version.pattern, from: range.lowerBound, to: $0) }
        return bytes
    }
}
