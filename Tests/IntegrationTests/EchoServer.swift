import FoundationEssentials
import Glibc
import Testing

/// A running `pooled-echo echo`, on a port that the system picked.
final class EchoServer: Sendable {
    let process: ChildProcess
    /// Where it listens, as it said: `127.0.0.1:4711`.
    let endpoint: String
    let host: String
    let port: String

    /// - Parameters:
    ///   - arguments: options after `--port` and `--stats json`; a later `--port` wins.
    ///   - launcher: a program, with its arguments, that turns into the server, such as `prlimit`.
    convenience init(
        _ arguments: String..., launcher: [String] = [], program: String = Program.pooledEcho
    ) throws {
        try self.init(arguments, launcher: launcher, program: program)
    }

    init(_ arguments: [String], launcher: [String] = [], program: String = Program.pooledEcho) throws {
        let line = launcher + [program, "echo", "--port", "0", "--stats", "json"] + arguments
        process = try ChildProcess(line[0], Array(line.dropFirst()))
        endpoint = try process.waitForLine("listening on ")
        let colon = try #require(endpoint.lastIndex(of: ":"))
        host = endpoint[..<colon].filter { $0 != "[" && $0 != "]" }
        port = String(endpoint[endpoint.index(after: colon)...])
    }

    /// A python program of the folder Peers, aimed at this server.
    func peer(_ name: String, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess("python3", ["-B", Program.peer(name), host, port] + arguments, hasInput: true)
    }

    /// Runs such a program to its end, which says by its exit status whether all was well; returns what it said.
    @discardableResult
    func runPeer(_ name: String, _ arguments: String..., within seconds: Double = 30) throws -> PeerReport {
        let peer = try ChildProcess("python3", ["-B", Program.peer(name), host, port] + arguments)
        return try PeerReport(ofEnded: peer, within: seconds)
    }

    /// Waits until so many clients are connected, by the kernel's own count.
    func waitForConnections(_ count: Int, within seconds: Double = 10) throws {
        let number = try #require(Int(port))
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(seconds)
        while try Self.clientCount(ofPort: number) < count {
            guard clock.now < deadline else { throw Failure("no \(count) connections within \(seconds) s") }
            usleep(5000)
        }
    }

    /// Sockets of IPv4 clients that are connected to this port.
    private static func clientCount(ofPort port: Int) throws -> Int {
        let established = "01"
        return try SystemFile.text(of: "/proc/net/tcp").split(separator: "\n").count { line in
            // sl local_address rem_address st …, in hexadecimal
            let fields = line.split(separator: " ")
            return fields.count > 3 && fields[3] == established
                && fields[2].split(separator: ":").last.flatMap { Int($0, radix: 16) } == port
        }
    }

    /// Asks it to end, checks how it did, and returns what it says of itself.
    @discardableResult
    func stop(
        by signal: Int32 = SIGTERM, expecting ending: ChildProcess.Ending = .exited(0), within seconds: Double = 10
    ) throws -> ServerStatistics {
        process.send(signal)
        #expect(try process.waitForEnd(within: seconds) == ending, "\(process.standardError)")
        return try statistics()
    }

    /// What it printed after it ended: one JSON object on a line, and nothing else but where it listened.
    func statistics() throws -> ServerStatistics {
        let lines = process.standardOutput.split(separator: "\n")
        guard lines.count == 2 else { throw Failure("not a line and a JSON object: \(process.standardOutput)") }
        return try JSONDecoder().decode(ServerStatistics.self, from: Data(lines[1].utf8))
    }
}
