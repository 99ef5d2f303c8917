import TestSupport
import Foundation
import Testing

@testable import loadgen

@Suite(
    "The program", .serialized,
    .enabled(if: Program.isBuilt, "loadgen is not built beside the tests"),
    .enabled(if: Machine.allowsRings, "io_uring is not available here"))
struct ProgramTests {
    @Test("A clean run: the figures on standard output, nothing on standard error, status 0")
    func clean() throws {
        let peer = EchoPeer()
        defer { peer.stop() }
        let outcome = try Program.run([
            "echo", "localhost:\(peer.port)", "--duration", "0.2", "--warmup", "0.05", "--connections", "2",
        ])
        #expect(outcome.status == 0 && outcome.errorOutput.isEmpty, "\(outcome)")
        for title in ["requests/s", "bytes/s", "p50", "p99.9", "max", "every byte compared"] {
            #expect(outcome.output.contains(title), "\(title)")
        }
    }

    @Test("--json - leaves nothing but JSON on standard output; --json PATH writes a file")
    func json() throws {
        let peer = EchoPeer()
        defer { peer.stop() }
        let arguments = ["--duration", "0.2", "--warmup", "0", "--connections", "2", "--json"]
        let outcome = try Program.run(["echo", "127.0.0.1:\(peer.port)"] + arguments + ["-"])
        let report = try JSONDecoder().decode(LoadReport.self, from: Data(outcome.output.utf8))
        #expect(outcome.status == 0 && report.requests > 0 && report.connections == 2)
        #expect(outcome.errorOutput.contains("requests/s"))

        let file = FileManager.default.temporaryDirectory.appending(path: "loadgen-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        _ = try Program.run(["echo", "127.0.0.1:\(peer.port)"] + arguments + [file.path])
        #expect(try JSONDecoder().decode(LoadReport.self, from: Data(contentsOf: file)).requests > 0)
    }

    @Test("Wrong bytes: status 1, and the message has the connection and the offset")
    func wrongBytes() throws {
        let peer = EchoPeer(.flips(at: 1000))
        defer { peer.stop() }
        let outcome = try Program.run(["echo", "127.0.0.1:\(peer.port)", "--duration", "5", "--connections", "1"])
        #expect(outcome.status == 1)
        #expect(outcome.errorOutput.contains("error: wrong bytes: connection 0, byte 1000 of its stream: expected 0x"))
    }

    @Test("Nobody listens: status 1 and the reason, and the JSON says so too")
    func refused() throws {
        let peer = EchoPeer()
        let port = peer.port
        peer.stop()
        let outcome = try Program.run(["echo", "127.0.0.1:\(port)", "--duration", "0.1", "--json", "-"])
        #expect(outcome.status == 1)
        #expect(outcome.errorOutput.contains("error: 64 connections could not be made: Connection refused"))
        let report = try JSONDecoder().decode(LoadReport.self, from: Data(outcome.output.utf8))
        #expect(report.errors.connect == 64 && !report.problems.isEmpty)
    }

    @Test("Input that makes no sense: status 64 and the usage")
    func usage() throws {
        for arguments in [
            ["echo"], ["echo", "localhost"], ["echo", "x:1", "--size", "0"], ["compare", "--case", "y"],
        ] {
            let outcome = try Program.run(arguments)
            #expect(outcome.status == 64 && outcome.errorOutput.contains("Usage: loadgen"), "\(arguments) \(outcome)")
        }
    }

    @Test("compare without a server: status 1, and the message says how to get one")
    func missingServer() throws {
        let outcome = try Program.run(["compare", "--server", "/no/such/pooled-echo"])
        #expect(outcome.status == 1)
        #expect(outcome.errorOutput.contains("no server at /no/such/pooled-echo"))
    }

    @Test("compare that is told to end takes its server along, and its files")
    func interrupted() throws {
        let server = try ScriptedServer()
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let program = try ServerProcess(
            path: Program.path,
            arguments: ["compare", "--server", server.path, "--duration", "60", "--folder", folder])
        func serverIsRunning() -> Bool {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return all.contains {
                (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8))?.contains(server.path) == true
                    && $0 != "\(program.id)"
            }
        }
        try waitUntil(serverIsRunning)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
        #expect(program.stop(timeoutSeconds: 10) == .exited(128 + SIGTERM))
        try waitUntil { !serverIsRunning() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test("compare that can't make its files: status 1, the reason, and nothing left of them")
    func noRoomForFiles() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let script = "trap '' XFSZ; ulimit -f 4096; exec \"$0\" compare --server /bin/true --folder \"$1\""
        let outcome = try Program.run(["-c", script, Program.path, folder], by: "/bin/sh")
        #expect(outcome.status == 1)
        #expect(outcome.errorOutput.contains(": File too large"), "\(outcome)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    private func folder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "loadgen-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        return folder.path
    }

    @Test("socat with cat behind it is an echo server like any other", .enabled(if: Socat.path != nil, "no socat here"))
    func socat() throws {
        let socat = Process()
        socat.executableURL = URL(filePath: try #require(Socat.path))
        let peer = EchoPeer()
        let port = peer.port
        peer.stop()
        socat.arguments = ["TCP-LISTEN:\(port),bind=127.0.0.1,fork,reuseaddr", "EXEC:cat"]
        try socat.run()
        // A test's thread may block SIGTERM, and what it starts inherits that.
        defer { kill(socat.processIdentifier, SIGKILL) }
        var outcome: Program.Outcome?
        try waitUntil {
            outcome = try? Program.run([
                "echo", "127.0.0.1:\(port)", "--connections", "3", "--size", "100K", "--duration", "0.3",
            ])
            return outcome?.status == 0
        }
        #expect(outcome?.output.contains("every byte compared") == true)
    }

    private func waitUntil(_ condition: () -> Bool) throws {
        for _ in 0..<1000 {
            if condition() { return }
            usleep(20_000)
        }
        Issue.record("it did not happen in time")
    }
}

enum Socat {
    static let path = ["/usr/bin/socat", "/usr/local/bin/socat"].first(
        where: FileManager.default.isExecutableFile(atPath:))
}
