import FoundationEssentials
import Testing

/// A `loadgen` that runs against a server meanwhile, and compares every byte.
final class VerifyingLoad: Sendable {
    private let process: ChildProcess
    private let seconds: Double

    init(
        _ server: EchoServer, connections: Int, size: String = "512", seconds: Double, warmup: Double = 0,
        launcher: [String] = []
    ) throws {
        self.seconds = seconds + warmup
        process = try ChildProcess(
            launcher + [
                Program.loadgen, "echo", server.endpoint, "--connections", String(connections), "--size", size,
                "--duration",
                String(seconds), "--warmup", String(warmup), "--json", "-",
            ])
    }

    /// Waits for its end; fails when a connection was refused, lost, left without an answer, or got wrong bytes.
    @discardableResult
    func finish() throws -> LoadReport {
        let ending = try process.waitForEnd(within: seconds + 40)
        #expect(ending == .exited(0), "\(process.standardError)")
        let report = try JSONDecoder().decode(LoadReport.self, from: Data(process.standardOutput.utf8))
        #expect(report.problems.isEmpty && report.requests > 0)
        return report
    }
}
