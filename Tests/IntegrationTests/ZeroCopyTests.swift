import Glibc
import Testing

/// Sends without a copy, to peers that are on another machine as far as the server can tell.
///
/// Within one kernel whatever is delivered to a socket has been copied, so that each connection's reports end its zero-copy
/// sends; only what is dropped on the way is not. No speed is measured here.
@Suite("Zero copy", .ring, .networkNamespaces, .program("curl"), .program("python3"))
struct ZeroCopyTests {
    private static let sizes = [0, 1, 4096, 16_384, 65_537, 262_144, (3 << 20) + 5, 64 << 20]

    @Test(
        "Files of every size come whole, without a copy until the kernel says that it copied",
        arguments: ["buffered", "direct"])
    func sizes(engine: String) throws {
        let machines = try TwoMachines()
        let files = Dictionary(
            uniqueKeysWithValues: Self.sizes.map { ("f\($0)", FileServer.bytes($0, seed: UInt64($0 + 1))) })
        let server = try FileServer(
            files, "--host", TwoMachines.serverAddress, "--engine", engine, launcher: machines.serverLauncher,
            peerLauncher: machines.peerLauncher)
        for size in Self.sizes { #expect(try server.curl("/f\(size)") == files["f\(size)"], "\(size)") }
        let statistics = try server.stop()
        let sends = statistics.zeroCopySends
        #expect(sends.count == statistics.operations["send_zc"])
        // Each connection has at most two blocks under way when it hears of the first. Some files are too small for any.
        let largeFileCount = Self.sizes.count { $0 >= 16_384 }
        #expect((largeFileCount...2 * largeFileCount).contains(sends.count))
        #expect(sends.copied == sends.count)
        #expect(statistics.fixedBufferOperations >= sends.count)
    }

    @Test(
        "To peers on the same machine nothing goes so, whatever address they come to",
        arguments: [("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "10.77.0.1"), ("10.77.0.1", "10.77.0.1"), ("::", "[::1]")])
    func sameMachine(listens: String, isFoundAt: String) throws {
        let machines = try TwoMachines()
        let bytes = FileServer.bytes(3 << 20)
        let server = try FileServer(
            ["f": bytes], "--host", listens, launcher: machines.serverLauncher, peerLauncher: machines.serverLauncher,
            foundAt: isFoundAt)
        #expect(try server.curl("/f") == bytes)
        let statistics = try server.stop()
        #expect(statistics.zeroCopySends.count == 0 && statistics.operations["send_zc"] == nil)
    }

    @Test("On a listener for all addresses it is the peer that counts", arguments: ["0.0.0.0", "::"])
    func allAddresses(listens: String) throws {
        let machines = try TwoMachines()
        let bytes = FileServer.bytes(3 << 20)
        let server = try FileServer(
            ["f": bytes], "--host", listens, launcher: machines.serverLauncher, peerLauncher: machines.peerLauncher,
            foundAt: TwoMachines.serverAddress)
        #expect(try server.curl("/f") == bytes)
        #expect(try server.stop().zeroCopySends.count > 0)
    }

    @Test("Echoes come back right too")
    func echo() throws {
        let machines = try TwoMachines()
        let server = try EchoServer("--host", TwoMachines.serverAddress, launcher: machines.serverLauncher)
        let load = try VerifyingLoad(
            server, connections: 16, size: "64K", seconds: 1, launcher: machines.peerLauncher)
        try load.finish()
        let statistics = try server.stop()
        #expect(statistics.zeroCopySends.count >= 16 && statistics.zeroCopySends.copied > 0)
        #expect(statistics.bytes.sent == statistics.bytes.received)
    }

    /// Packets wait in the queue of the server's device, as they would for the acknowledgement of one far away, and point to the
    /// blocks that they were sent from; the pool has seven of those.
    @Test(
        "No block is used again before the kernel is done with it, however late that is",
        arguments: ["patient", "rude"])
    func lateNotifications(peers: String) throws {
        let machines = try TwoMachines()
        try machines.slowDown(megabitsPerSecond: 200)
        let names = (0..<8).map { "f\($0)" }
        let files = names.enumerated().map { ($1, FileServer.bytes(100_000 + 40_000 * $0, seed: UInt64($0 + 1))) }
        let server = try FileServer(
            Dictionary(uniqueKeysWithValues: files), "--host", TwoMachines.serverAddress, "--reactors", "1",
            "--pool-size", String(2 << 20), launcher: machines.serverLauncher, peerLauncher: machines.peerLauncher)
        try server.runPeer("http_crowd", server.path(of: ""), "24", "6", peers)
        let statistics = try server.stop()
        #expect(statistics.zeroCopySends.count >= 24 * 6)
        #expect(try #require(statistics.files).blockWaits > 0)
        #expect(statistics.pool.outCount == 0)
    }

    @Test("What goes to a peer that is gone is the server's again when it cuts the connection")
    func vanishedPeer() throws {
        let machines = try TwoMachines()
        let server = try FileServer(
            ["f": FileServer.bytes(64 << 20)], "--host", TwoMachines.serverAddress, "--drain-timeout", "0.5",
            launcher: machines.serverLauncher, peerLauncher: machines.peerLauncher)
        let peer = try server.peer("http_half", "/f", "100000")
        try peer.waitForLine("half")
        try machines.cutWire()
        // A buffer that did not come back would make it 1.
        let statistics = try server.stop(expecting: .exited(3))
        #expect(statistics.zeroCopySends.count > 0 && statistics.connections.cut == 1)
        #expect(statistics.pool.outCount == 0)
    }

    /// The kernel has taken all of the file and holds its blocks until the peer reads. (That takes ten seconds of grace.)
    @Test("A peer that lets its blocks lie with the kernel is a slow reader like others")
    func deafReader() throws {
        let machines = try TwoMachines()
        let server = try FileServer(
            ["f": FileServer.bytes(300_000)], "--host", TwoMachines.serverAddress, "--min-rate",
            "1000000000", "--reactors", "1", launcher: machines.serverLauncher, peerLauncher: machines.peerLauncher)
        try server.runPeer("http_deaf", "/f", "5", "65536", within: 60)
        let statistics = try server.stop()
        #expect(statistics.files?.slowReaders == 5 && statistics.zeroCopySends.count >= 5)
    }

    /// Its peer acknowledges what it never got, since whatever a socket of this kernel gets has been copied.
    @Test("Where the kernel does not copy, all of a response goes so")
    func notCopied() throws {
        let machines = try TwoMachines()
        try machines.makeUnreachable()
        let byteCount = 4 << 20
        let server = try FileServer(
            ["f": FileServer.bytes(byteCount)], "--host", TwoMachines.serverAddress, "--reactors", "1", "--engine",
            "buffered", launcher: machines.serverLauncher, peerLauncher: machines.peerLauncher)
        try server.runPeer("http_blind", "/f", String(byteCount), TwoMachines.unreachableAddress, "end")
        let statistics = try server.stop()
        #expect(statistics.bytes.sent > byteCount)
        #expect(statistics.zeroCopySends.copied == 0)
        // Blocks are of 256 KiB.
        #expect(statistics.zeroCopySends.count >= byteCount >> 18)
        // The last block may be a small one.
        #expect(statistics.operations["send"] ?? 0 <= 1 && statistics.operations["write_fixed"] == nil)
    }
}
