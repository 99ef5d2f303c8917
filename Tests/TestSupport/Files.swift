import FoundationEssentials
import Glibc
package import SystemSupport

/// A file without a name: it leaves nothing behind.
package final class TemporaryFile: Sendable {
    package let descriptor: Int32

    package init(_ bytes: [UInt8] = []) throws(SystemError) {
        var path = temporaryPath()
        descriptor = mkstemp(&path)
        guard descriptor >= 0 else { throw SystemError("mkstemp") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(path)
        let count = pwrite(descriptor, bytes, bytes.count, 0)
        guard count == bytes.count else { throw SystemError("pwrite") }
    }

    deinit { close(descriptor) }

    /// All that stands in it.
    package var text: String {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = pread(descriptor, &part, part.count, off_t(bytes.count))
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += part[..<count]
        }
    }
}

/// An empty folder, removed with what is in it at the end.
package final class TemporaryFolder: Sendable {
    package let path: String

    package init() throws(SystemError) {
        var path = temporaryPath()
        guard mkdtemp(&path) != nil else { throw SystemError("mkdtemp") }
        self.path = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

private func temporaryPath() -> [CChar] {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    return Array("\(folder)/zeropool-XXXXXX".utf8CString)
}
