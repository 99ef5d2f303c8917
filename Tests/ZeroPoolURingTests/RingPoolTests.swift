import TestSupport
import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

@Suite("A pool inside a ring")
struct RingPoolTests {
    @Test("A lease in flight is nobody else's, and comes back filled with the completion")
    func leaseInFlightIsNotReused() throws {
        let ring = try Ring()
        let pool = BufferPool()
        pool.bindCurrentThread(toShard: 0)
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let pair = try SocketPair()

        let lease = pool.get(4096)
        let address = lease.baseAddress
        ringPool.receive(into: lease, from: .file(pair.near), context: 42)
        try ring.submit()
        #expect(ringPool.inFlightCount == 1)
        let hoard = InlineArray<100, PooledBuffer> { _ in pool.get(4096) }
        var others: [UnsafeMutableRawPointer] = []
        for index in hoard.indices { others.append(hoard[index].baseAddress) }
        #expect(!others.contains(address))

        try writeAll("filled", to: pair.far)
        let completion = try ring.reapOne()
        let outcome = try ringPool.outcome(of: completion)
        #expect(outcome.context == 42)
        #expect(outcome.result == 6)
        #expect(outcome.address == address)
        #expect(outcome.text == "filled")
        #expect(ringPool.inFlightCount == 0)
        // Passed on twice, it is nobody's.
        #expect(throws: NotOurs.self) { try ringPool.outcome(of: completion) }
        // Nor when its place in the table is another operation's.
        ringPool.receive(into: pool.get(4096), from: .file(pair.near), context: 43)
        #expect(throws: NotOurs.self) { try ringPool.outcome(of: completion) }
        #expect(ringPool.inFlightCount == 1)
    }

    @Test("Receives and reads go behind what was written before")
    func fillsBehindWrittenBytes() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let file = try TemporaryFile(Array("0123456789".utf8))
        var lease = pool.get(4096)
        lease.append { $0.append(repeating: UInt8(ascii: ">"), count: 2, as: UInt8.self) }
        ringPool.read(into: lease, byteCount: 4, from: .file(file.descriptor), offset: 3, context: 0)
        #expect(try ringPool.reapOne(from: ring).text == ">>3456")
    }

    @Test("A failed operation gives its lease back as it was")
    func failedOperationGivesBack() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        ringPool.send(pool.get(zeroed: 100), to: .file(-1), context: 3)
        let outcome = try ringPool.reapOne(from: ring)
        #expect(outcome.completion.errno == EBADF)
        #expect(outcome.bytes?.count == 100)
    }

    @Test(
        "A range of the written bytes is sent alone", .enabled(if: mayLockMemory, "needs lockable memory"),
        arguments: [RingPool.SendMethod.plain, .fixed, .zeroCopy])
    func sendsRange(method: RingPool.SendMethod) throws {
        let ring = try Ring()
        let pool = BufferPool()
        pool.bindCurrentThread(toShard: 0)
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let (near, far) = try loopbackConnection()
        defer { [near, far].forEach { close($0) } }
        var lease = pool.get(4096)
        lease.append { $0.append(copying: "do not send THIS please") }
        ringPool.send(lease, range: 12..<16, to: .file(near), method: method, context: 5)
        try ring.submit()
        #expect(try readText(from: far) == "THIS")
        var completions = try ring.reap(method == .zeroCopy ? 2 : 1)
        let last = try ringPool.outcome(of: completions.removeLast())
        #expect(last.context == 5)
        #expect(last.text == "do not send THIS please")
        if method == .zeroCopy {
            #expect(completions.map(\.result) == [4])
            #expect(!completions[0].isFinal)
            #expect(last.completion.flags.contains(.notification))
        } else {
            #expect(last.result == 4)
        }
        let isFixed = ring.operationCount(of: .writeFixed) == 1
        #expect(isFixed == (method == .fixed))
        #expect(ringPool.registrations.plainFallbackCount == 0)
    }

    @Test("The first completion of a zero-copy send has the result and not the lease")
    func zeroCopyFirstHalf() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let (near, far) = try loopbackConnection()
        defer { [near, far].forEach { close($0) } }
        ringPool.send(pool.get(zeroed: 10), to: .file(near), method: .zeroCopy, context: 5)
        try ring.submit()
        #expect(try readText(from: far).utf8.count == 10)
        let completions = try ring.reap(2)
        try #require(completions.count == 2)
        let first = try ringPool.outcome(of: completions[0])
        #expect(first.result == 10 && first.context == 5 && first.bytes == nil)
        #expect(ringPool.inFlightCount == 1)
        let second = try ringPool.outcome(of: completions[1])
        #expect(second.bytes?.count == 10)
        #expect(ringPool.inFlightCount == 0)
    }

    @Test("The pool's end cancels what holds a lease, and leaves the rest to the program")
    func closeCancelsAndReaps() throws {
        let ring = try Ring()
        let pool = BufferPool()
        pool.bindCurrentThread(toShard: 0)
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let pair = try SocketPair()
        for _ in 0..<10 { ringPool.receive(into: pool.get(65536), from: .file(pair.near), context: 0) }
        ring.poll(.file(pair.near), events: UInt32(POLLIN), userData: 1)
        ring.nop(userData: 2)
        ringPool.synchronize()
        let before = ringPool.registrations
        var unclaimed: [UInt64] = []
        ringPool.close { unclaimed.append($0.userData) }
        #expect(ringPool.inFlightCount == 0)
        // What was counted is still there, and what was registered is not.
        #expect(before.registeredByteCount == 2 << 20 || !mayLockMemory)
        #expect(ringPool.registrations.registeredByteCount == 0)
        #expect(ringPool.registrations.registeredArenaCount == 0)
        #expect(ringPool.registrations.plainArenaCount == before.plainArenaCount)
        #expect(unclaimed == [2])
        // The program's own operation still runs.
        try writeAll("x", to: pair.far)
        #expect(try ring.reapOne().userData == 1)
    }

    @Test("A ring lives as long as a pool works on it, whichever ends first, and no longer")
    func endsInAnyOrder() async {
        // In a process of its own, where nobody else opens descriptors.
        await #expect(processExitsWith: .success) {
            let pool = BufferPool()
            let pair = try SocketPair()
            var reactor: SmallReactor? = try SmallReactor(pool)
            reactor?.ring.receiveMultishot(from: .file(pair.near), group: 0, userData: 1)
            reactor?.ringPool.receive(into: pool.get(4096), from: .file(pair.near), context: 0)
            try reactor?.ring.submit()
            let descriptor = reactor?.ring.fileDescriptor ?? -1
            try #require(fcntl(descriptor, F_GETFD) != -1)
            reactor = nil
            try #require(fcntl(descriptor, F_GETFD) == -1)
        }
    }

    @Test("More operations than the queue and the table start with, all at once")
    func manyInFlight() throws {
        let ring = try Ring(.init(submissionEntries: 8, completionEntries: 16))
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let file = try TemporaryFile((0..<100_000).map { UInt8($0 % 251) })
        let count = 3000
        for index in 0..<count {
            let offset = Int64(index * 31)
            ringPool.read(
                into: pool.get(4096), byteCount: 64, from: .file(file.descriptor), offset: offset,
                context: UInt64(index))
        }
        #expect(ringPool.inFlightCount == count)
        var contexts: Set<UInt64> = []
        for completion in try ring.reap(count) {
            let outcome = try ringPool.outcome(of: completion)
            contexts.insert(outcome.context)
            let start = Int(outcome.context) * 31
            #expect(outcome.bytes == (start..<start + 64).map { UInt8($0 % 251) })
        }
        #expect(contexts.count == count)
        #expect(ringPool.inFlightCount == 0)
    }

    @Test("Only written bytes leave")
    func unwrittenBytesTrap() async {
        await #expect(processExitsWith: trap) {
            let ring = try Ring()
            let pool = BufferPool()
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
            ringPool.send(pool.get(zeroed: 10), range: 0..<11, to: .file(0), context: 0)
        }
    }

    @Test("No operation follows the pool's end")
    func operationAfterTheEndTraps() async {
        await #expect(processExitsWith: trap) {
            let ring = try Ring()
            let pool = BufferPool()
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
            ringPool.close()
            ringPool.send(pool.get(zeroed: 10), to: .file(0), context: 0)
        }
    }
}

/// Its fields end in this order, the ring first.
private final class SmallReactor {
    let ring: Ring
    let ringPool: RingPool
    let buffers: ProvidedBufferRing

    init(_ pool: BufferPool) throws {
        ring = try Ring()
        ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        buffers = try ringPool.makeBufferRing(group: 0, entryCount: 4, bufferByteCount: 4096)
    }
}

extension OutputRawSpan {
    mutating func append(copying text: String) { for byte in text.utf8 { append(byte, as: UInt8.self) } }
}
