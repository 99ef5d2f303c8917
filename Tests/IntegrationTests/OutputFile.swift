import FoundationEssentials
import Glibc

/// Where a child prints to: a file without a name, which fills no pipe and leaves nothing behind.
final class OutputFile: Sendable {
    let descriptor: Int32

    init() throws {
        let folder = FileManager.default.temporaryDirectory
        var path = Array(folder.appending(path: "zeropool-XXXXXX").path(percentEncoded: false).utf8CString)
        descriptor = mkstemp(&path)
        guard descriptor >= 0 else { throw Failure("mkstemp: \(String(cString: strerror(errno)))") }
        unlink(path)
    }

    deinit { close(descriptor) }

    /// All that stands in it.
    var text: String {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = pread(descriptor, &part, part.count, off_t(bytes.count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
        }
    }
}
