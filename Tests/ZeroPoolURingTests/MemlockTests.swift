import TestSupport
import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

/// What an unprivileged user meets. Each test becomes another user, in a process of its own: charges are a user's.
@Suite("Short of lockable memory", .enabled(if: geteuid() == 0, "only root can become other users"))
struct MemlockTests {
    @Test("With 8 MiB some arenas are registered, the rest is plain, and both work")
    func someAreRegistered() async {
        await #expect(processExitsWith: .success) {
            try becomeSomeUser(memlock: 8 << 20)
            let ring = try Ring()
            try #require(ring.submissionEntryCount == 1024)
            let pool = BufferPool()
            pool.bindCurrentThread(toShard: 0)
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
            try readEverywhere(ring, ringPool, pool)
            let registrations = ringPool.registrations
            try #require((1...3).contains(registrations.registeredArenaCount))
            try #require(registrations.registeredArenaCount + registrations.plainArenaCount == 8)
            // Asked once, not for every arena.
            try #require(registrations.memlockRefusalCount == 1)
            try #require(registrations.lastError?.errno == ENOMEM)
            try #require(registrations.lastError?.remedy?.contains("RLIMIT_MEMLOCK") == true)
            try #require(ring.operationCount(of: .readFixed) == registrations.registeredArenaCount)
            try #require(ring.operationCount(of: .read) == registrations.plainArenaCount)

            // What was registered is free at once for who comes next, although this ring is still there.
            ringPool.close()
            let next = try Ring(.init(submissionEntries: 16, completionEntries: 16))
            let nextPool = try RingPool(ring: next, pool: pool, shard: 0)
            try #require(nextPool.registrations.registeredArenaCount >= registrations.registeredArenaCount)
        }
    }

    @Test("With 64 KiB nothing is registered and the queues are small, and it works")
    func nothingIsRegistered() async {
        await #expect(processExitsWith: .success) {
            try becomeSomeUser(memlock: 64 << 10)
            let ring = try Ring()
            try #require((16...256).contains(ring.submissionEntryCount))
            let pool = BufferPool()
            pool.bindCurrentThread(toShard: 0)
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
            try readEverywhere(ring, ringPool, pool)
            try #require(ringPool.registrations.registeredArenaCount == 0)
            try #require(ringPool.registrations.plainArenaCount == 8)
            try #require(ring.operationCount(of: .read) == 8)

            // There is room left for a group of buffers, and for another reactor.
            let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 64, bufferByteCount: 65536)
            let pair = try SocketPair()
            ring.receiveMultishot(from: .file(pair.near), group: 0, userData: 1)
            try ring.submit()
            try writeAll("small", to: pair.far)
            try #require(buffers.takeBytes(ring.reapOne()) == Array("small".utf8))
            let other = try Ring()
            other.nop(userData: 1)
            try #require(other.reapOne().result == 0)
        }
    }

    @Test("With nothing at all the error says what to do")
    func noRing() async {
        await #expect(processExitsWith: .success) {
            try becomeSomeUser(memlock: 0)
            do throws(RingError) {
                _ = try Ring()
                // Kernels that charge no queues.
            } catch {
                try #require(error == RingError(.setUp, errno: ENOMEM))
                try #require(error.remedy?.contains("RLIMIT_MEMLOCK") == true)
            }
        }
    }

    @Test("Arenas can be registered again once others were let go")
    func registersAgain() async {
        await #expect(processExitsWith: .success) {
            try becomeSomeUser(memlock: 8 << 20)
            let ring = try Ring()
            let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).numShards(1).build()
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
            for _ in 0..<3 {
                try readEverywhere(ring, ringPool, pool)
                try #require(ringPool.registrations.registeredArenaCount > 0)
                ringPool.synchronize()
                try #require(ringPool.registrations.registeredArenaCount == 0)
            }
            try #require(ringPool.registrations.memlockRefusalCount == 3)
        }
    }
}

/// Gives up root, and with it the privilege to lock memory without limit.
///
/// A user that nobody is or was: charges are shared by all processes of a user, and fall late when a process is killed.
private func becomeSomeUser(memlock byteCount: UInt) throws {
    let user = uid_t.random(in: 10_000...59_999)
    var limit = rlimit(rlim_cur: byteCount, rlim_max: byteCount)
    try check("setrlimit", setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit))
    try check("setgroups", setgroups(0, nil))
    try check("setgid", setgid(user))
    try check("setuid", setuid(user))
}

/// Reads a file into each of eight arenas at once.
private func readEverywhere(_ ring: borrowing Ring, _ ringPool: borrowing RingPool, _ pool: BufferPool) throws {
    let file = try TemporaryFile([UInt8](repeating: 5, count: 1000))
    for _ in 0..<8 {
        ringPool.read(into: pool.get(2 << 20), from: .file(file.descriptor), offset: 0, context: 0)
    }
    // All of them first: a completion that is not passed on is waited for at the pool's end.
    let outcomes = try ring.reap(8).map { try ringPool.outcome(of: $0) }
    try #require(outcomes.count == 8)
    try #require(outcomes.allSatisfy { $0.bytes == [UInt8](repeating: 5, count: 1000) })
}
