import FoundationEssentials
import Glibc
import Testing

@testable import PooledEcho

@Suite("AccessLog")
struct AccessLogTests {
    @Test("a pipe that nobody reads is an error, and one that is read gets the lines", .timeLimit(.minutes(1)))
    func pipe() throws {
        let pipe = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        let path = pipe.path(percentEncoded: false)
        defer { unlink(path) }
        try #require(mkfifo(path, 0o600) == 0)
        let error = #expect(throws: ServerError.self) { try AccessLog(path: path) }
        guard case .accessLog(path, errno: ENXIO) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let reader = open(path, O_RDONLY | O_NONBLOCK)
        defer { close(reader) }
        let log = try AccessLog(path: path)
        #expect(log.append(Array("a line\n".utf8)))
        log.close()
        var bytes = [UInt8](repeating: 0, count: 64)
        let count = read(reader, &bytes, bytes.count)
        #expect(count == 7 && bytes.starts(with: "a line\n".utf8))
    }
}
