import Glibc
import Testing

/// Servers back to back, as a user whose locked memory is counted: the charge of the one before falls late.
@Suite("Back to back", .ring, .program("python3"), .program("prlimit"), .program("setpriv"))
struct RestartTests {
    @Test("Each serves", arguments: [8 << 20, 64 << 10])
    func starts(memlockByteCount: Int) throws {
        let launcher = Unprivileged.launcher(memlockByteCount: memlockByteCount)
        try PublicCopy.use(of: Program.pooledEcho) { program in
            for _ in 0..<20 {
                let server = try EchoServer(launcher: launcher, program: program)
                try server.runPeer("messages", "5", "65536")
                let statistics = try server.stop()
                #expect(statistics.bytes.sent == 5 << 16)
                #expect(statistics.registeredByteCount <= memlockByteCount)
            }
        }
    }
}
