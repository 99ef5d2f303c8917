import Glibc
import Testing

/// What each limit does when it is reached.
@Suite("Limits", .ring, .program("python3"))
struct LimitTests {
    /// Server CPU time in a second of nothing to do, a herd refused before it included: a loop that spins has a second.
    private static let quietProcessorSeconds = 0.4

    @Test("A full server refuses a herd at once, and does not spin", .descriptors(2000), arguments: ["1", "2"])
    func herd(reactors: String) throws {
        let server = try EchoServer("--max-connections", "30", "--reactors", reactors)
        let report = try server.runPeer("herd", "30", "300", String(server.process.id))
        #expect(try report.figure("processor seconds") < Self.quietProcessorSeconds)
        let statistics = try server.stop()
        #expect(statistics.connections.accepted == 31)
        // The rest found the table full, in the kernel.
        #expect(statistics.connections.refused >= 200)
    }

    @Test(
        "With 64 descriptors it plans for them, refuses the rest at once, and does not spin", .program("prlimit"),
        .descriptors(2000), arguments: ["1", "2"])
    func fewDescriptors(reactors: String) throws {
        let server = try EchoServer("--reactors", reactors, launcher: ["prlimit", "--nofile=64:64"])
        let said = server.process.standardError
        #expect(said.contains("the descriptor limit allows") && said.contains("ulimit -n"), "\(said)")
        let numbers = said.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        let allowed = try #require(numbers.last { $0 < 64 })
        let report = try server.runPeer("herd", String(allowed), "300", String(server.process.id))
        #expect(try report.figure("processor seconds") < Self.quietProcessorSeconds)
        try server.runPeer("limit", String(allowed))
        #expect(try server.stop().connections.refused >= 200)
    }
}
