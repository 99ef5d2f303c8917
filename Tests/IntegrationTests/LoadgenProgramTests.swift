import FoundationEssentials
import Glibc
import Testing

/// `loadgen` as its users run it, against our server and against others.
@Suite("loadgen", .ring)
struct LoadgenProgramTests {
    private struct Comparison: Decodable {
        struct Case: Decodable {
            struct Contender: Decodable {
                let contender: String
                let samePathAs: [String]
            }

            struct Run: Decodable {
                let contender: String
                let requestsPerSecond: Double
                let serverPeakByteCount: Int
                let serverStatistics: Statistics
                let file: File?
            }

            struct File: Decodable {
                let bytesPerSecond: Double
                let serverProcessorSecondsPerGigabyte: Double
                let residentByteCountBefore: Int
            }

            struct Load: Decodable {
                let connections: Int
                let messageByteCount: Int?
                let fileByteCount: Int?
                let pageCache: String?
            }

            let `case`: Load
            let contenders: [Contender]
            let runs: [Run]
        }

        struct Statistics: Decodable {
            struct Files: Decodable {
                let reads: Int
                let directReads: Int
            }

            let buffers: String
            let registeredByteCount: Int
            let fixedBufferOperations: Int
            let files: Files?
        }

        let cases: [Case]
        let problems: [String]
    }

    /// Those that need nothing installed; mimalloc may come on top.
    private static let contenders: Set = ["malloc", "malloc-tuned", "pooled", "registered"]

    private static func bufferMode(_ contender: String) -> String {
        EchoTests.modes.contains(contender) ? contender : "malloc"
    }

    private func load(_ endpoint: String, _ arguments: String...) throws -> ChildProcess {
        try ChildProcess(
            Program.loadgen,
            ["echo", endpoint, "--duration", "0.5", "--warmup", "0.1", "--json", "-"] + arguments)
    }

    /// Checks that the run was clean, and that its numbers agree with each other.
    @discardableResult
    private func report(of process: ChildProcess) throws -> LoadReport {
        #expect(try process.waitForEnd() == .exited(0), "\(process.standardError)")
        let report = try JSONDecoder().decode(LoadReport.self, from: Data(process.standardOutput.utf8))
        #expect(report.problems.isEmpty)
        #expect(report.errors.connect == 0 && report.errors.lost == 0 && report.errors.unanswered == 0)
        #expect(report.requests > 0 && report.requestsPerSecond > 0)
        #expect(report.verifiedByteCount >= report.requests * report.messageByteCount)
        let latency = ["p50", "p90", "p99", "p99.9", "max"].map { report.latencyMicroseconds[$0] ?? 0 }
        #expect(latency.allSatisfy { $0 > 0 } && latency == latency.sorted())
        return report
    }

    @Test("Its count agrees with pooled-echo's", arguments: EchoTests.modes)
    func agreesWithServer(mode: String) throws {
        let server = try EchoServer("--buffers", mode)
        let report = try report(
            of: load(server.endpoint, "--connections", "8", "--threads", "2", "--pipeline", "3", "--size", "10000"))
        let statistics = try server.stop()
        #expect(statistics.connections.accepted == 8)
        #expect(statistics.bytes.received == report.verifiedByteCount)
        #expect(statistics.bytes.sent == report.verifiedByteCount)
    }

    @Test("It measures an echo server in python", .program("python3"))
    func pythonServer() throws {
        let echo = try ChildProcess("python3", ["-B", Program.peer("echo_server")])
        try report(of: load(echo.waitForLine("listening on "), "--connections", "8", "--size", "4K"))
    }

    @Test("It measures socat", .program("socat"))
    func socat() throws {
        let echo = try ChildProcess("socat", ["-dd", "TCP-LISTEN:0,bind=127.0.0.1,fork", "PIPE"])
        // "… N listening on AF=2 127.0.0.1:4711"
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(10)
        var endpoint: Substring?
        while endpoint == nil, clock.now < deadline {
            usleep(5000)
            let line = echo.standardError.split(separator: "\n").first { $0.contains("listening on AF=") }
            endpoint = line?.split(separator: " ").last
        }
        try report(of: load(String(#require(endpoint)), "--connections", "4", "--size", "512"))
    }

    @Test("A wrong byte is an error that says where, and exit status 1", .program("python3"))
    func wrongByte() throws {
        let echo = try ChildProcess("python3", ["-B", Program.peer("echo_server"), "4321"])
        let process = try load(echo.waitForLine("listening on "), "--size", "1K")
        #expect(try process.waitForEnd() == .exited(1))
        #expect(process.standardError.contains("wrong bytes") && process.standardError.contains("4321"))
    }

    @Test("A server that dies is an error, soon, and exit status 1", arguments: [SIGKILL, SIGTERM])
    func dyingServer(signal: Int32) throws {
        let server = try EchoServer()
        let process = try load(server.endpoint, "--connections", "10", "--duration", "30")
        usleep(500_000)
        server.process.send(signal)
        #expect(try process.waitForEnd(within: 10) == .exited(1))
        #expect(process.standardError.contains("lost"))
        let report = try JSONDecoder().decode(LoadReport.self, from: Data(process.standardOutput.utf8))
        #expect(report.errors.lost == 10 && report.problems.count >= 1)
    }

    @Test("Nobody listening is an error, and exit status 1")
    func nobody() throws {
        let server = try EchoServer()
        try server.stop()
        let process = try load(server.endpoint, "--connections", "3")
        #expect(try process.waitForEnd() == .exited(1))
        #expect(process.standardError.contains("3 connections could not be made: Connection refused"))
    }

    @Test("compare measures every contender without an error, and tells what each did")
    func compare() throws {
        let process = try ChildProcess(
            Program.loadgen,
            [
                "compare", "--echo-only", "--case", "4x512", "--rounds", "1", "--duration", "0.2", "--warmup", "0.1",
                "--json", "-",
            ])
        #expect(try process.waitForEnd(within: 60) == .exited(0), "\(process.standardError)")
        let comparison = try JSONDecoder().decode(Comparison.self, from: Data(process.standardOutput.utf8))
        #expect(comparison.problems.isEmpty)
        let result = try #require(comparison.cases.first)
        #expect(comparison.cases.count == 1)
        #expect(Self.contenders.isSubset(of: result.contenders.map(\.contender)))
        #expect(result.runs.map(\.contender) == result.contenders.map(\.contender))
        for run in result.runs {
            #expect(run.requestsPerSecond > 0 && run.serverPeakByteCount > 1 << 20)
            #expect(run.serverStatistics.buffers == Self.bufferMode(run.contender))
            if run.contender != "registered" { #expect(run.serverStatistics.registeredByteCount == 0) }
        }
    }

    @Test("compare measures hot and cold files too, says how they were read, and leaves none behind")
    func compareFiles() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "zeropool-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.path(percentEncoded: false)
        let process = try ChildProcess(
            Program.loadgen,
            [
                "compare", "--case", "4x512", "--folder", path, "--rounds", "1", "--duration", "0.3",
                "--warmup",
                "0.1", "--json", "-",
            ])
        let ending = try process.waitForEnd(within: 120)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == [])
        let comparison = try JSONDecoder().decode(Comparison.self, from: Data(process.standardOutput.utf8))
        #expect(
            comparison.cases.map { $0.case.messageByteCount ?? $0.case.fileByteCount ?? 0 } == [
                512, 4 << 10, 64 << 10, 1 << 20, 256 << 20,
            ])
        #expect(comparison.cases.map(\.case.pageCache) == [nil, "hot", "hot", "hot", "cold"])
        let isInMemory = comparison.problems.contains { $0.contains("not cold: ") && $0.contains("in memory") }
        #expect(ending == .exited(isInMemory ? 1 : 0), "\(process.standardError)")
        for result in comparison.cases.dropFirst().prefix(isInMemory ? 3 : 4) {
            #expect(Self.contenders.isSubset(of: result.runs.map(\.contender)))
            let isCold = result.case.pageCache == "cold"
            for run in result.runs {
                let file = try #require(run.file)
                let files = try #require(run.serverStatistics.files)
                #expect(file.bytesPerSecond > 0 && file.serverProcessorSecondsPerGigabyte > 0)
                #expect(file.residentByteCountBefore == (isCold ? 0 : result.case.fileByteCount))
                #expect(files.reads > 0 && (isCold || files.directReads == 0))
                #expect((run.serverStatistics.fixedBufferOperations > 0) == (run.contender == "registered"))
            }
        }
    }
}
