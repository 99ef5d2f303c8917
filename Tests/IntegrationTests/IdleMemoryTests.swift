import Glibc
import Testing

/// What a server does with memory that it no longer needs.
@Suite("Idle memory", .ring, .program("python3"), .unsanitized)
struct IdleMemoryTests {
    /// What 200 peers that never read have the server keep, at least: it pauses at 16 buffers each, full or not.
    private static let burstByteCount = 32 << 20

    @Test(
        "What a burst took goes back though connections stay, and then nobody is woken any more",
        arguments: EchoTests.modes)
    func burst(mode: String) throws {
        let server = try EchoServer("--buffers", mode, "--reactors", "1", "--trim-after", "0.25")
        let staying = try server.peer("idle", "10", "65536")
        try staying.waitForLine("idle")
        let residentBefore = try #require(server.process.residentByteCount)
        let pinnedBefore = try #require(server.process.pinnedByteCount)
        try burst(on: server, beyond: residentBefore)
        let hasShrunk = server.process.waitForMemory(
            resident: residentBefore + 8 << 20, pinned: pinnedBefore)
        let resident = try #require(server.process.residentByteCount)
        let pinned = try #require(server.process.pinnedByteCount)
        #expect(hasShrunk, "\(resident) of \(residentBefore) are resident, \(pinned) of \(pinnedBefore) pinned")
        let sleepCount = try #require(server.process.sleepCount)
        usleep(1_500_000)
        // Its timer would have ticked six times.
        #expect(try #require(server.process.sleepCount) - sleepCount < 3)
        try server.runPeer("messages", "50", "65536")
        staying.writeLine("close")
        try staying.waitForEnd()
        let statistics = try server.stop()
        #expect(statistics.trims.count > 0 && statistics.trims.withdrawnBuffers > 0)
        #expect(mode == "malloc" || statistics.trims.byteCount > Self.burstByteCount)
        #expect(statistics.pool.mappedByteCount <= 4 << 20)
    }

    @Test("With --trim-after 0 memory stays")
    func never() throws {
        let server = try EchoServer("--reactors", "1", "--trim-after", "0")
        try burst(on: server, beyond: try #require(server.process.residentByteCount))
        usleep(1_000_000)
        let statistics = try server.stop()
        #expect(statistics.trims.count == 0)
        #expect(statistics.pool.mappedByteCount > Self.burstByteCount)
    }

    /// Peers that send much and read nothing, until they are gone.
    private func burst(on server: EchoServer, beyond residentBefore: Int) throws {
        let deaf = try server.peer("deaf", "200", "stay")
        try deaf.waitForLine("stalled", within: 60)
        #expect(try #require(server.process.residentByteCount) > residentBefore + Self.burstByteCount)
        deaf.writeLine()
        try deaf.waitForEnd()
    }
}
