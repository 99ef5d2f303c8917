import Glibc
import Testing

/// Where the system gives little: unprivileged, with little locked memory, without io_uring.
@Suite("Restricted", .program("python3"))
struct RestrictionTests {
    /// Memory that it may lock, and buffers: its first 16 don't fit.
    private static let shortages = [
        (memlockByteCount: 8 << 20, bufferByteCount: "1048576"), (memlockByteCount: 64 << 10, bufferByteCount: "65536"),
    ]

    @Test(
        "With little lockable memory it serves, and says what is missing and what helps", .ring, .program("prlimit"),
        .program("setpriv"), arguments: shortages, ["1", "2"])
    func shortMemlock(shortage: (memlockByteCount: Int, bufferByteCount: String), reactors: String) throws {
        try PublicCopy.use(of: Program.pooledEcho) { program in
            let server = try EchoServer(
                "--reactors", reactors, "--buffer-size", shortage.bufferByteCount,
                launcher: Unprivileged.launcher(memlockByteCount: shortage.memlockByteCount), program: program)
            let said = server.process.standardError
            #expect(said.contains("bytes are registered; the rest serves as plain memory"), "\(said)")
            #expect(said.contains("ulimit -l") && said.contains("raise it"), "\(said)")
            try server.runPeer("messages", "100", "65536")
            try server.runPeer("many", "200", "1")
            let statistics = try server.stop()
            #expect(statistics.registeredByteCount < shortage.memlockByteCount)
            #expect(statistics.registeredByteCount < statistics.pool.mappedByteCount)
            #expect(statistics.bytes.sent == statistics.bytes.received)
        }
    }

    @Test(
        "The default server serves load within 8 MiB of lockable memory", .ring, .program("prlimit"),
        .program("setpriv"))
    func defaultServer() throws {
        let launcher = Unprivileged.launcher(memlockByteCount: 8 << 20)
        try PublicCopy.use(of: Program.pooledEcho) { program in
            let server = try EchoServer(launcher: launcher, program: program)
            let sleepers = try server.peer("sleeper", "8")
            let sent = try Int(sleepers.waitForLine("sent "))
            try server.runPeer("many", "200", "1")
            sleepers.writeLine("finish")
            #expect(try Int(sleepers.waitForLine("received ", within: 40)) == sent)
            let statistics = try server.stop()
            // It needed more memory than it may lock.
            #expect(statistics.pool.mappedByteCount > 8 << 20)
            #expect(statistics.registeredByteCount <= 8 << 20)
            #expect(statistics.bytes.sent == statistics.bytes.received)
        }
    }

    @Test(
        "Within 8 MiB of lockable memory, small buffers are all registered, again at once after an end", .ring,
        .program("prlimit"), .program("setpriv"))
    func smallBuffers() throws {
        let launcher = Unprivileged.launcher(memlockByteCount: 8 << 20)
        try PublicCopy.use(of: Program.pooledEcho) { program in
            for _ in 0..<5 {
                let server = try EchoServer(
                    "--reactors", "1", "--buffer-size", "4096", launcher: launcher, program: program)
                #expect(!server.process.standardError.contains("plain memory"))
                try server.runPeer("messages", "10", "65536")
                let statistics = try server.stop()
                #expect(statistics.registeredByteCount == statistics.pool.mappedByteCount)
                #expect(statistics.registeredByteCount >= 2 << 20)
            }
        }
    }

    @Test("Where io_uring is forbidden it says so, and what helps", arguments: ["1", "2"])
    func forbidden(reactors: String) throws {
        let process = try ChildProcess(
            "python3",
            [
                "-B", Program.peer("without_io_uring"), Program.pooledEcho, "echo", "--port", "0", "--reactors",
                reactors,
            ])
        #expect(try process.waitForEnd() == .exited(1))
        #expect(process.standardOutput == "")
        let said = process.standardError
        #expect(said.contains("Cannot set up an io_uring: Operation not permitted"), "\(said)")
        #expect(said.contains("seccomp"), "\(said)")
    }

    @Test("Where io_uring is forbidden, loadgen says so too", .program("python3"))
    func forbiddenLoad() throws {
        let echo = try ChildProcess("python3", ["-B", Program.peer("echo_server")])
        let endpoint = try echo.waitForLine("listening on ")
        let load = try ChildProcess(
            "python3", ["-B", Program.peer("without_io_uring"), Program.loadgen, "echo", endpoint, "--duration", "1"])
        #expect(try load.waitForEnd() == .exited(1))
        #expect(load.standardError.contains("Cannot set up an io_uring: Operation not permitted"))
        #expect(load.standardError.contains("seccomp"))
    }

    @Test(
        "A short descriptor limit means fewer connections, and is said", .ring, .program("prlimit"))
    func shortDescriptorLimit() throws {
        let server = try EchoServer("--reactors", "1", launcher: ["prlimit", "--nofile=100:100"])
        let said = server.process.standardError
        #expect(said.contains("the descriptor limit allows") && said.contains("ulimit -n"), "\(said)")
        let allowed = try #require(
            said.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }.last { $0 < 100 })
        try server.runPeer("limit", String(allowed))
        try server.stop()
    }
}
