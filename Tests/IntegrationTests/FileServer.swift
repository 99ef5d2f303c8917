import FoundationEssentials
import Glibc
import Testing

/// A running `pooled-echo files`, on a port that the system picked, with a folder of its own.
final class FileServer: Sendable {
    let process: ChildProcess
    let host: String
    let port: String
    let root: URL
    /// What turns into a client of it.
    private let peerLauncher: [String]

    /// - Parameters:
    ///   - files: by their paths, of which the folders are made.
    ///   - arguments: options after `--port` and `--stats json`.
    ///   - launcher: a program, with its arguments, that turns into the server; `peerLauncher`: into a client.
    ///   - host: where clients find it; nil: where it listens.
    init(
        _ files: [String: [UInt8]], _ arguments: String..., launcher: [String] = [], peerLauncher: [String] = [],
        foundAt host: String? = nil
    ) throws {
        self.peerLauncher = peerLauncher
        root = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        for (path, bytes) in files { try FileServer.write(bytes, to: root.appending(path: path)) }
        process = try ChildProcess(
            launcher + [
                Program.pooledEcho, "files", root.path(percentEncoded: false), "--port", "0", "--stats", "json",
            ]
                + arguments)
        let endpoint = try process.waitForLine("listening on ")
        let colon = try #require(endpoint.lastIndex(of: ":"))
        self.host = host ?? String(endpoint[..<colon])
        port = String(endpoint[endpoint.index(after: colon)...])
    }

    deinit { try? FileManager.default.removeItem(at: root) }

    private static func write(_ bytes: [UInt8], to file: URL) throws {
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    func write(_ bytes: [UInt8], to path: String) throws { try FileServer.write(bytes, to: root.appending(path: path)) }

    func path(of name: String) -> String { root.appending(path: name).path(percentEncoded: false) }

    /// Random bytes of a seed. They repeat after an odd number of them, so that no block or page is like another: to make
    /// 64 MiB one by one takes a debug build half a minute.
    static func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var state = seed
        let period = (0..<min(count, 1_000_003)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
        var bytes = period
        while bytes.count < count { bytes += period.prefix(count - bytes.count) }
        return bytes
    }

    /// What curl gets: its output, in bytes.
    func curl(_ path: String, _ options: String...) throws -> [UInt8] {
        let output = root.deletingLastPathComponent().appending(path: "zeropool-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let curl = try ChildProcess(
            peerLauncher + ["curl", "-sS", "--path-as-is", "-o", output.path(percentEncoded: false)] + options
                + ["http://\(host):\(port)\(path)"])
        #expect(try curl.waitForEnd(within: 30) == .exited(0), "\(curl.standardError)")
        return (try? [UInt8](Data(contentsOf: output))) ?? []
    }

    /// What curl says of a response, by its `--write-out`, such as `%{http_code}`.
    func curl(_ path: String, saying what: String, _ options: String...) throws -> String {
        let curl = try ChildProcess(
            peerLauncher + ["curl", "-sS", "--path-as-is", "-o", "/dev/null", "-w", what] + options
                + ["http://\(host):\(port)\(path)"])
        #expect(try curl.waitForEnd(within: 30) == .exited(0), "\(curl.standardError)")
        return curl.standardOutput
    }

    /// Runs a python program of the folder Peers to its end, which says by its exit status whether all was well.
    @discardableResult
    func runPeer(_ name: String, _ arguments: String..., within seconds: Double = 30) throws -> PeerReport {
        try PeerReport(
            ofEnded: ChildProcess(peerLauncher + ["python3", "-B", Program.peer(name), host, port] + arguments),
            within: seconds)
    }

    /// A python program of that folder that runs on.
    func peer(_ name: String, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(
            peerLauncher + ["python3", "-B", Program.peer(name), host, port] + arguments, hasInput: true)
    }

    /// Asks it to end, checks how it did, and returns what it says of itself.
    @discardableResult
    func stop(expecting ending: ChildProcess.Ending = .exited(0), within seconds: Double = 10) throws
        -> ServerStatistics
    {
        process.send(SIGTERM)
        #expect(try process.waitForEnd(within: seconds) == ending, "\(process.standardError)")
        let lines = process.standardOutput.split(separator: "\n")
        guard lines.count == 2 else { throw Failure("not a line and a JSON object: \(process.standardOutput)") }
        return try JSONDecoder().decode(ServerStatistics.self, from: Data(lines[1].utf8))
    }
}
