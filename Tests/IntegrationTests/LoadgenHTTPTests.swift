import Foundation
import Testing

/// `loadgen http` as its users run it, against a server that is not ours.
@Suite("loadgen http", .ring, .program("python3"))
struct LoadgenHTTPTests {
    private struct Report: Decodable {
        struct HTTP: Decodable {
            let statuses: [String: Int]
            let reconnects: Int
        }

        let target: String
        let requests: Int
        let requestsPerSecond: Double
        let bytesPerSecond: Double
        let verifiedByteCount: Int
        let latencyMicroseconds: [String: Double]
        let operations: [String: Int]
        let http: HTTP
        let problems: [String]
    }

    /// A folder with one file, and python's server for it.
    private final class FileServer {
        let folder: URL
        let file: URL
        let content: Data
        let url: String
        private let process: ChildProcess

        /// - Parameter version: `1.1`, or `1.0`, which closes after every answer.
        init(byteCount: Int, version: String = "1.1") throws {
            folder = FileManager.default.temporaryDirectory.appending(path: "loadgen-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            file = folder.appending(path: "some file")
            content = Data((0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
            try content.write(to: file)
            process = try ChildProcess("python3", ["-B", Program.peer("file_server"), folder.path, version])
            url = "http://\(try process.waitForLine("listening on "))/some%20file"
        }

        deinit { try? FileManager.default.removeItem(at: folder) }
    }

    private func load(_ url: String, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(
            Program.loadgen,
            ["http", url, "--connections", "4", "--duration", "0.5", "--warmup", "0.1", "--json", "-"] + arguments)
    }

    private func report(of process: ChildProcess) throws -> Report {
        try JSONDecoder().decode(Report.self, from: Data(process.standardOutput.utf8))
    }

    @Test(
        "It measures python's server and verifies every byte, with open connections and with HTTP/1.0",
        arguments: ["1.1", "1.0"])
    func python(version: String) throws {
        let server = try FileServer(byteCount: 100_000, version: version)
        let process = try load(server.url, "--verify", server.file.path, "--threads", "2", "--pipeline", "2")
        #expect(try process.waitForEnd() == .exited(0), "\(process.standardError)")
        let report = try report(of: process)
        let count = try #require(report.http.statuses["200"])
        #expect(report.target == server.url && report.problems.isEmpty)
        #expect(report.requests > 0 && count >= report.requests && report.http.statuses.count == 1)
        // What was under way when a connection closed is read too.
        #expect(report.verifiedByteCount >= count * 100_000)
        #expect(report.requestsPerSecond > 0 && report.bytesPerSecond > 0)
        #expect(version == "1.1" ? report.http.reconnects == 0 : report.http.reconnects > 0)
        #expect(report.operations["connect"] == 4 + report.http.reconnects)
        #expect(process.standardError.contains("every byte compared"))
    }

    @Test("A body that is known by its hash is fetched, checked and compared with; another hash is an error")
    func hash() throws {
        let server = try FileServer(byteCount: 1000)
        let tool = try ChildProcess("sha256sum", [server.file.path])
        #expect(try tool.waitForEnd() == .exited(0))
        // A name with a space in it is no reason for sha256sum to escape it.
        let hash = String(tool.standardOutput.prefix(64))
        let process = try load(server.url, "--sha256", hash.uppercased())
        #expect(try process.waitForEnd() == .exited(0), "\(process.standardError)")
        #expect(try report(of: process).verifiedByteCount > 0)

        let other = try load(server.url, "--sha256", String(repeating: "0", count: 64))
        #expect(try other.waitForEnd() == .exited(1))
        #expect(other.standardError.contains("SHA-256 is \(hash), not 0000"))
    }

    @Test("A file that differs from what comes is an error that says where, and so is one of another length")
    func differs() throws {
        let server = try FileServer(byteCount: 10_000)
        var content = server.content
        content[4321] ^= 1
        let copy = server.folder.appending(path: "copy")
        try content.write(to: copy)
        let process = try load(server.url, "--verify", copy.path)
        #expect(try process.waitForEnd() == .exited(1))
        #expect(
            process.standardError.contains("wrong bytes: connection ")
                && process.standardError.contains("byte 4321 of the body"))

        try content.dropLast().write(to: copy)
        let shorter = try load(server.url, "--verify", copy.path)
        #expect(try shorter.waitForEnd() == .exited(1))
        #expect(shorter.standardError.contains("has 10000 bytes, expected 9999"))
    }

    @Test("What is not there is measured, and an error; without --verify nothing is called verified")
    func notFound() throws {
        let server = try FileServer(byteCount: 1)
        let process = try load(server.url + "x")
        #expect(try process.waitForEnd() == .exited(1))
        let report = try report(of: process)
        #expect(report.requests > 0 && report.verifiedByteCount == 0)
        #expect(report.http.statuses.keys.sorted() == ["404"])
        #expect(process.standardError.contains("with status 404, not 200"))
        #expect(process.standardError.contains("nothing: bodies were only counted"))
    }

    @Test("Nobody listening, and a file that is not there, are errors with exit status 1; a bad URL is wrong usage")
    func badInput() throws {
        // A port that a server had a moment ago.
        let url = try FileServer(byteCount: 1).url
        let refused = try load(url)
        #expect(try refused.waitForEnd() == .exited(1))
        #expect(refused.standardError.contains("4 connections could not be made: Connection refused"))
        let missing = try load(url, "--verify", "/no/such/file")
        #expect(try missing.waitForEnd() == .exited(1))
        #expect(missing.standardError.contains("/no/such/file: No such file or directory"))
        let secure = try load("https://127.0.0.1/")
        #expect(try secure.waitForEnd() == .exited(64) && secure.standardError.contains("does not support TLS"))
    }
}
