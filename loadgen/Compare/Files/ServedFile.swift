import Glibc
import SystemSupport

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
