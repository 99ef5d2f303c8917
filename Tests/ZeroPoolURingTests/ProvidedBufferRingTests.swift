import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

@Suite("Provided buffers")
struct ProvidedBufferRingTests {
    @Test("A multishot receive comes in leases that can be read, and sent as they are")
    func receivesIntoLeases() throws {
        let ring = try Ring()
        let pool = BufferPool()
        pool.bindCurrentThread(toShard: 0)
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let buffers = try ringPool.makeBufferRing(group: 3, entryCount: 4, bufferByteCount: 65536)
        let pair = try SocketPair()
        ring.receiveMultishot(from: .file(pair.near), group: 3, userData: 11)
        try ring.submit()
        // More rounds than entries: every id comes around.
        for round in 0..<10 {
            try writeAll("message \(round)", to: pair.far)
            let completion = try ring.reapOne()
            #expect(completion.userData == 11 && !completion.isFinal)
            #expect(buffers.providedCount == 4)
            guard let lease = buffers.take(completion) else {
                Issue.record("a receive without a buffer")
                return
            }
            #expect(buffers.providedCount == 3)
            #expect(String(decoding: Array(copying: lease), as: UTF8.self) == "message \(round)")
            ringPool.send(lease, to: .file(pair.near), context: 0)
            #expect(try ringPool.reapOne(from: ring).result == Int32("message \(round)".utf8.count))
            #expect(try readText(from: pair.far) == "message \(round)")
            #expect(buffers.refill() == 0)
        }
        shutdown(pair.far, Int32(SHUT_WR))
        let end = try ring.reapOne()
        #expect(end.result == 0 && end.isFinal)
        // Whether the end of the stream carries a buffer is the kernel's business; then nothing is written in it.
        #expect(buffers.takeBytes(end) ?? [] == [])
    }

    @Test("Single receives take buffers too")
    func singleReceives() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 2, bufferByteCount: 4096)
        let pair = try SocketPair()
        try writeAll("once", to: pair.far)
        ring.receive(from: .file(pair.near), group: 0, userData: 1)
        let completion = try ring.reapOne()
        #expect(completion.isFinal)
        #expect(buffers.takeBytes(completion) == Array("once".utf8))
    }

    @Test("An empty group ends a receive with ENOBUFS; refilled, it goes on without loss")
    func exhaustionAndRefill() throws {
        let ring = try Ring()
        let pool = BufferPool()
        pool.bindCurrentThread(toShard: 0)
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 8, bufferByteCount: 4096, targetCount: 2)
        #expect(buffers.providedCount == 2)
        let pair = try SocketPair()
        let outgoing = (0..<16384).map { UInt8(truncatingIfNeeded: $0 / 64) }
        let written = outgoing.withUnsafeBytes { write(pair.far, $0.baseAddress, $0.count) }
        #expect(written == outgoing.count)
        ring.receiveMultishot(from: .file(pair.near), group: 0, userData: 1)
        let completions = try ring.reap(3)
        #expect(completions.map(\.result) == [4096, 4096, -ENOBUFS])
        #expect(completions.last?.isFinal == true)
        var incoming: [UInt8] = []
        for completion in completions { incoming += buffers.takeBytes(completion) ?? [] }
        buffers.targetCount = 8
        #expect(buffers.refill() == 0)
        #expect(buffers.providedCount == 8)
        ring.receiveMultishot(from: .file(pair.near), group: 0, userData: 1)
        for completion in try ring.reap(2) { incoming += buffers.takeBytes(completion) ?? [] }
        #expect(incoming == outgoing)
    }

    @Test("A pool at its limit leaves buffers missing, until some come back")
    func poolAtItsLimit() throws {
        let ring = try Ring()
        let pool = BufferPool.builder().maxByteCount(2 << 20).numShards(1).build()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let hoarded = InlineArray<30, PooledBuffer> { _ in pool.get(65536) }
        let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 8, bufferByteCount: 65536)
        #expect(buffers.providedCount == 2)
        #expect(buffers.refill() == 6)
        giveBack(hoarded)
        #expect(buffers.refill() == 0)
        #expect(buffers.providedCount == 8)
    }

    @Test("A failed completion that carries a buffer gives it back, with nothing to read")
    func failedCompletionWithBuffer() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 2, bufferByteCount: 4096)
        let flags = CompletionFlags(rawValue: 1 << 16 | CompletionFlags.bufferSelected.rawValue)
        let completion = Completion(userData: 1, result: -ECANCELED, flags: flags)
        #expect(buffers.takeBytes(completion) == [])
        #expect(buffers.providedCount == 1)
        #expect(buffers.takeBytes(Completion(userData: 1, result: -ENOBUFS, flags: [])) == nil)
        #expect(buffers.providedCount == 1)
    }

    @Test("Buffers are withdrawn from under an armed receive, which then finds none, and goes on with others")
    func withdrawal() throws {
        let ring = try Ring()
        let pool = BufferPool.builder().numShards(1).tlsCacheSize(0).build()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let buffers = try ringPool.makeBufferRing(group: 2, entryCount: 8, bufferByteCount: 4096, targetCount: 4)
        let pair = try SocketPair()
        ring.receiveMultishot(from: .file(pair.near), group: 2, userData: 1)
        try ring.submit()
        #expect(pool.leasedBufferCount == 4)
        let count = buffers.withdraw(userData: 9)
        let completions = try ring.reap(count)
        #expect(completions.allSatisfy { $0.userData == 9 && $0.isFinal && $0.result >= 0 })
        #expect(completions.count { buffers.takeBytes($0) != nil } == 4)
        #expect(buffers.providedCount == 0 && pool.leasedBufferCount == 0)
        #expect(buffers.withdraw(userData: 9) == 0)
        try writeAll("early", to: pair.far)
        let starved = try ring.reapOne()
        #expect(starved.errno == ENOBUFS && starved.isFinal)
        #expect(buffers.refill() == 0)
        ring.receiveMultishot(from: .file(pair.near), group: 2, userData: 1)
        #expect(try buffers.takeBytes(ring.reapOne()) == Array("early".utf8))
    }

    @Test("A buffer that was received into is not withdrawn, and its bytes stay")
    func withdrawalBesideBytes() throws {
        let ring = try Ring()
        let pool = BufferPool.builder().numShards(1).tlsCacheSize(0).build()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 4, bufferByteCount: 4096)
        let pair = try SocketPair()
        try writeAll("bytes", to: pair.far)
        ring.receive(from: .file(pair.near), group: 0, userData: 1)
        // Its completion is not seen yet, so it counts as provided.
        let completions = try ring.reap(1 + buffers.withdraw(userData: 9))
        #expect(completions[0].userData == 1)
        #expect(completions.count { $0.errno == ENOBUFS } == 1)
        #expect(completions.count { $0.userData == 9 && buffers.takeBytes($0) != nil } == 3)
        #expect(buffers.providedCount == 1)
        #expect(buffers.takeBytes(completions[0]) == Array("bytes".utf8))
    }

    @Test("The end of a group gives its leases back, and ends what is armed on it")
    func endGivesLeasesBack() throws {
        let ring = try Ring()
        let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).numShards(1).build()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0, registersBuffers: false)
        let pair = try SocketPair()
        do {
            let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 4, bufferByteCount: 65536)
            ring.receiveMultishot(from: .file(pair.near), group: 0, userData: 1)
            try ring.submit()
            #expect(pool.statistics().mappedByteCount == 2 << 20)
            #expect(buffers.providedCount == 4)
        }
        #expect(pool.statistics().mappedByteCount == 0)
        try writeAll("late", to: pair.far)
        #expect(try ring.reapOne().errno == ENOBUFS)
        // The number is free again.
        _ = try ringPool.makeBufferRing(group: 0, entryCount: 4, bufferByteCount: 65536)
    }

    @Test("A group that exists already is refused")
    func groupExists() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let first = try ringPool.makeBufferRing(group: 0, entryCount: 4, bufferByteCount: 4096)
        #expect(throws: RingError(.registerBufferRing, errno: EEXIST)) {
            _ = try ringPool.makeBufferRing(group: 0, entryCount: 4, bufferByteCount: 4096)
        }
        #expect(first.providedCount == 4)
    }

    @Test("Buffers from malloc serve the same way, without the pool")
    func allocatedBuffers() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let buffers = try ringPool.makeBufferRing(
            group: 0, entryCount: 4, bufferByteCount: 4096, targetCount: 4, source: .allocator)
        let pair = try SocketPair()
        ring.receiveMultishot(from: .file(pair.near), group: 0, userData: 1)
        try ring.submit()
        for _ in 0..<10 {
            try writeAll("hello", to: pair.far)
            #expect(try buffers.takeBytes(ring.reapOne()) == Array("hello".utf8))
            #expect(buffers.refill() == 0)
        }
        let gets = pool.statistics().gets
        #expect(gets.cache + gets.shard + gets.fresh == 0)
    }

    @Test("A completion of another group traps")
    func foreignBufferTraps() async {
        await #expect(processExitsWith: trap) {
            let ring = try Ring()
            let ringPool = try RingPool(ring: ring, pool: BufferPool(), shard: 0)
            let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 2, bufferByteCount: 4096)
            let flags = CompletionFlags(rawValue: 2 << 16 | CompletionFlags.bufferSelected.rawValue)
            _ = buffers.take(Completion(userData: 1, result: 5, flags: flags))
        }
    }
}

/// Ends the lifetime of what it is given.
private func giveBack<let count: Int>(_ leases: consuming InlineArray<count, PooledBuffer>) {}
