import FoundationEssentials
import Glibc
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolReactor

extension ReactorAPITests {
    @Suite("Examples")
    struct ExampleTests {
        @Test("The echo server and the client understand each other")
        func echoAndClient() throws {
            let echo = try ExampleServer("echo-example")
            let client = try Example("client-example", "127.0.0.1", "\(echo.address.port)", "3000000")
            #expect(try client.ending() == 0)
            #expect(client.output == "3000000 bytes came back as they were sent\n")
        }

        @Test("The client notices a wrong answer")
        func wrongAnswer() throws {
            let listener = try QuietListener()
            let client = try Example("client-example", "127.0.0.1", "\(listener.address.port)", "100")
            let accepted = try listener.accept()
            let bytes = [UInt8](repeating: 0xee, count: 100)
            _ = Glibc.send(accepted, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            #expect(try client.ending() != 0)
            close(accepted)
        }

        @Test("The proxy passes on both directions and their ends")
        func proxy() throws {
            let echo = try ExampleServer("echo-example")
            let proxy = try ExampleServer("proxy-example", echo.address)
            let client = try Example("client-example", "127.0.0.1", "\(proxy.address.port)", "3000000")
            #expect(try client.ending() == 0)
            #expect(client.output == "3000000 bytes came back as they were sent\n")
        }

        @Test("A connection through the proxy ends when the server behind it refuses")
        func proxyWithoutServer() throws {
            let proxy = try ExampleServer("proxy-example", closedAddress())
            let peer = try Peer(proxy.address)
            #expect(((try? peer.receiveAll()) ?? []) == [])
        }

        @Test("A copy has its bytes and its name, and nothing else is left", arguments: [0, 1, 5_000_000, 20 << 20])
        func copy(byteCount: Int) throws {
            let folder = try TemporaryFolder()
            let bytes = pattern(byteCount)
            try folder.write(bytes, to: "source")
            let copy = try Example("copy-example", folder.path, "source", "copy")
            #expect(try copy.ending() == 0)
            #expect(copy.output == "copied \(byteCount) bytes\n")
            #expect(try folder.contents(of: "copy") == bytes)
            #expect(Set(try FileManager.default.contentsOfDirectory(atPath: folder.path)) == ["source", "copy"])
        }

        @Test("A chat line goes to everybody but its author, in whole lines")
        func chat() throws {
            let chat = try ExampleServer("chat-example")
            let peers = try (0..<5).map { _ in try Peer(chat.address) }
            // Each is in the room when it hears another.
            usleep(200_000)
            try peers[0].send("hel")
            usleep(20_000)
            try peers[0].send("lo\nworld\n")
            for peer in peers[1...] { #expect(try peer.receive(exactly: 12) == Array("hello\nworld\n".utf8)) }
            try peers[4].send("back\n")
            for peer in peers[..<4] { #expect(try peer.receive(exactly: 5) == Array("back\n".utf8)) }
            peers[0].halfClose()
            #expect(try peers[0].receiveAll() == [])
            try peers[1].send(String(repeating: "x", count: 10_000))
            #expect(((try? peers[1].receiveAll()) ?? []) == [], "a line without an end is cut")
        }
    }
}

/// One of the example programs, ended with its value.
final class Example: Sendable {
    private let id: pid_t
    private let outputPath: String
    private let status = Monitor<Int32?>(nil)

    init(_ name: String, _ arguments: String...) throws {
        // The test bundle stands beside the programs, and is the program that runs or one of its arguments.
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        let program = URL(filePath: bundle).deletingLastPathComponent().appending(path: name).path
        outputPath = "/tmp/zeropool-\(UUID().uuidString)"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, outputPath, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        for descriptor in Int32(3)..<1024 { posix_spawn_file_actions_addclose(&actions, descriptor) }
        var argv: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for argument in argv { free(argument) } }
        var id = pid_t()
        let code = posix_spawn(&id, program, &actions, nil, &argv, environ)
        guard code == 0 else { throw SystemError("cannot run \(program)", errno: code) }
        self.id = id
    }

    deinit {
        guard status.withLock({ $0 }) == nil else { return }
        kill(id, SIGKILL)
        waitpid(id, nil, 0)
        unlink(outputPath)
    }

    var output: String { String(decoding: FileManager.default.contents(atPath: outputPath) ?? Data(), as: UTF8.self) }

    /// How it ended, within twenty seconds: as `waitpid` says it, 0 for success.
    func ending() throws -> Int32 {
        for _ in 0..<20_000 {
            var status: Int32 = 0
            if waitpid(id, &status, WNOHANG) == id {
                let ended = status
                self.status.withLock { $0 = ended }
                return status
            }
            usleep(1000)
        }
        throw SystemError("the example does not end: \(output)", errno: ETIMEDOUT)
    }
}

/// An example that serves, at a port of its own.
struct ExampleServer {
    let address: SocketAddress
    private let example: Example

    init(_ name: String, _ target: SocketAddress? = nil) throws {
        address = try closedAddress()
        let port = "\(address.port)"
        if let target {
            example = try Example(name, port, target.host, "\(target.port)")
        } else {
            example = try Example(name, port)
        }
        let address = address
        guard eventually({ (try? Peer(address)) != nil }) else {
            throw SystemError("the example does not listen: \(example.output)")
        }
    }
}
