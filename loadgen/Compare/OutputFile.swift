import FoundationEssentials
import Glibc
import SystemSupport

/// A file without a name that takes what a child prints: the child never waits for a reader.
final class OutputFile {
    let descriptor: Int32

    init() throws(SystemError) {
        let directory = FileManager.default.temporaryDirectory
        var path = Array(directory.appending(path: "loadgen-XXXXXX").path(percentEncoded: false).utf8CString)
        descriptor = unsafe mkstemp(&path)
        guard descriptor >= 0 else { throw SystemError("a file in \(directory.path(percentEncoded: false))") }
        unsafe unlink(path)
        // A child has it as a standard stream, and under no other number.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit {
        close(descriptor)
    }

    /// All that has been printed so far.
    var text: String {
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { return "" }
        let byteCount = Int(status.st_size)
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, count in
            unsafe count = max(0, pread(descriptor, buffer.baseAddress, buffer.count, 0))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
