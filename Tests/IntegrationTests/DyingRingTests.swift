import Glibc
import Testing

/// A ring that fails, as no real one does on demand: strace answers in the kernel's place.
@Suite("A ring that dies", .ring, .program("python3"), .program("strace"), .tracing)
struct DyingRingTests {
    /// Runs the server under strace, which is its grandchild and leaves its exit status alone.
    private func server(_ injection: String, reactors: String) throws -> EchoServer {
        try EchoServer(
            "--reactors", reactors,
            launcher: [
                "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=io_uring_enter", "-e",
                "inject=io_uring_enter:\(injection)",
            ])
    }

    /// Drives load at it until it has gone.
    private func run(_ server: EchoServer, connections: Int) throws {
        let load = try ChildProcess(
            Program.loadgen,
            ["echo", server.endpoint, "--duration", "20", "--connections", String(connections)])
        // Not killed by a signal, and not half alive either.
        #expect(try server.process.waitForEnd(within: 15) == .exited(1), "\(server.process.standardError)")
        #expect(try load.waitForEnd() == .exited(1))
        let said = server.process.standardError
        #expect(said.contains("Bad file descriptor"), "\(said)")
        #expect(!said.contains("Fatal error") && !said.contains("crashed"), "\(said)")
    }

    @Test("The process says which reactor and why, and ends with status 1", arguments: ["1", "2"])
    func allReactors(reactors: String) throws {
        let server = try server("error=EBADF:when=50+", reactors: reactors)
        try run(server, connections: 16)
        #expect(server.process.standardError.contains(reactors == "1" ? "reactor 0: " : "reactor "))
    }

    @Test("One dead ring of two ends the whole process: nothing runs on half alive")
    func oneOfTwo() throws {
        // One connection keeps one reactor busy; the other's calls don't come to so many.
        let server = try server("error=EBADF:when=300+", reactors: "2")
        try run(server, connections: 1)
        let said = server.process.standardError
        #expect(said.contains("reactor 0") != said.contains("reactor 1"), "\(said)")
    }

    @Test("A call that was only interrupted is made again")
    func interrupted() throws {
        let server = try server("error=EINTR:when=20+7", reactors: "1")
        try server.runPeer("messages", "100", "1000")
        #expect(try server.stop().bytes.sent == 100_000)
    }
}
