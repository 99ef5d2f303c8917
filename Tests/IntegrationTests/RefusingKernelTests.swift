import Glibc
import Testing

/// A kernel short of memory, as no real one is on demand: strace answers in its place.
@Suite(
    "A kernel that refuses", .ring, .program("python3"), .program("strace"),
    .tracing)
struct RefusingKernelTests {
    /// Runs the server under strace, which is its grandchild and leaves its exit status alone.
    private func launcher(_ injection: String) -> [String] {
        [
            "strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=io_uring_enter", "-e",
            "inject=io_uring_enter:\(injection)",
        ]
    }

    @Test("Refusals that pass lose nothing", arguments: ["EAGAIN", "EBUSY", "EINTR"])
    func passingRefusals(errno: String) throws {
        // Every third call: the server goes on between them.
        let server = try EchoServer("--reactors", "1", launcher: launcher("error=\(errno):when=10+3"))
        try server.runPeer("messages", "20", "65536")
        let statistics = try server.stop()
        #expect(statistics.bytes.sent == statistics.bytes.received)
        #expect(statistics.bytes.sent > 0)
    }

    @Test("Refusals without an end are waited out for some seconds without spinning, then are the server's end")
    func endlessRefusals() throws {
        let start = ContinuousClock.now
        let server = try EchoServer("--reactors", "1", launcher: launcher("error=EAGAIN:when=10+"))
        let peer = try server.peer("messages", "20", "65536")
        #expect(try server.process.waitForEnd(within: 40) == .exited(1))
        #expect(ContinuousClock.now - start > .seconds(4))
        let said = server.process.standardError
        #expect(said.contains("reactor 0: Cannot wait for completions: Resource temporarily unavailable"), "\(said)")
        try peer.waitForEnd()
    }
}
