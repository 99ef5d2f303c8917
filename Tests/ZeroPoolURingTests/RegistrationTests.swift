import TestSupport
import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

@Suite("Registered memory", .enabled(if: mayLockMemory, "needs lockable memory"))
struct RegistrationTests {
    /// Buffers go straight back to their arenas, and an empty arena goes at once.
    private static func poolThatKeepsNothing() -> BufferPool {
        let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).numShards(2).build()
        pool.bindCurrentThread(toShard: 0)
        return pool
    }

    @Test("Fixed operations name the arena's slot; without registration they are plain")
    func fixedOrPlain() throws {
        for registersBuffers in [true, false] {
            let ring = try Ring()
            let pool = BufferPool()
            pool.bindCurrentThread(toShard: 0)
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0, registersBuffers: registersBuffers)
            let file = try TemporaryFile()
            var lease = pool.get(8192)
            lease.append { $0.append(repeating: 7, count: 8192, as: UInt8.self) }
            ringPool.write(lease, to: .file(file.descriptor), offset: 0, context: 0)
            #expect(try ringPool.reapOne(from: ring).result == 8192)
            ringPool.read(into: pool.get(8192), from: .file(file.descriptor), offset: 0, context: 0)
            #expect(try ringPool.reapOne(from: ring).bytes == [UInt8](repeating: 7, count: 8192))
            let fixed = ring.operationCount(of: .writeFixed) + ring.operationCount(of: .readFixed)
            #expect(fixed == (registersBuffers ? 2 : 0))
            #expect(ringPool.registrations.plainFallbackCount == 0)
        }
    }

    @Test("Arenas are registered as the shard grows, and unregistered before they go")
    func followsTheShard() throws {
        let ring = try Ring()
        let pool = Self.poolThatKeepsNothing()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        #expect(ringPool.registrations.registeredArenaCount == 0)
        let file = try TemporaryFile([UInt8](repeating: 1, count: 4096))
        do {
            // 24 of 1 MiB: twelve arenas of 2 MiB. And one larger than an arena usually is.
            var leases = InlineArray<24, PooledBuffer?> { _ in pool.get(1 << 20) }
            let large = pool.get(16 << 20)
            ringPool.synchronize()
            #expect(ringPool.registrations.registeredArenaCount == 13)
            #expect(ringPool.registrations.registeredByteCount == (24 + 16) << 20)
            for index in leases.indices {
                let lease = leases[index].take()!
                ringPool.read(into: lease, from: .file(file.descriptor), offset: 0, context: 0)
            }
            ringPool.read(into: large, from: .file(file.descriptor), offset: 0, context: 0)
        }
        for completion in try ring.reap(25) { #expect(try ringPool.outcome(of: completion).result == 4096) }
        #expect(ring.operationCount(of: .readFixed) == 25)

        // Everything is back and nothing is kept: but the ring holds the arenas until it has let go of them.
        #expect(pool.statistics().mappedByteCount == (24 + 16) << 20)
        ringPool.synchronize()
        #expect(ringPool.registrations.registeredArenaCount == 0)
        #expect(ringPool.registrations.registeredByteCount == 0)
        #expect(pool.statistics().mappedByteCount == 0)

        // An arena number that was given up is registered anew.
        ringPool.read(into: pool.get(4096), from: .file(file.descriptor), offset: 0, context: 0)
        #expect(ring.operationCount(of: .readFixed) == 26)
        #expect(try ringPool.reapOne(from: ring).result == 4096)
    }

    @Test("A lease from another shard, another pool or malloc is plain memory, and counted")
    func strangersArePlain() throws {
        let ring = try Ring()
        let pool = BufferPool()
        pool.bindCurrentThread(toShard: 0)
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let own = pool.get(4096)
        let otherShard = Thread { () -> PooledBufferBox in
            pool.bindCurrentThread(toShard: 1)
            return PooledBufferBox(pool.get(4096))
        }.join().take()
        let otherPool = BufferPool().get(4096)
        let allocated = AllocatedBuffers.tryGet(4096)!
        // The same number of arena, so that only the addresses tell them apart.
        #expect(own.location.arena == 0 && otherShard.location.arena == 0 && otherPool.location.arena == 0)

        let file = try TemporaryFile([UInt8](repeating: 9, count: 4096))
        ringPool.read(into: own, from: .file(file.descriptor), offset: 0, context: 0)
        ringPool.read(into: otherShard, from: .file(file.descriptor), offset: 0, context: 0)
        ringPool.read(into: otherPool, from: .file(file.descriptor), offset: 0, context: 0)
        ringPool.read(into: allocated, from: .file(file.descriptor), offset: 0, context: 0)
        for completion in try ring.reap(4) {
            #expect(try ringPool.outcome(of: completion).bytes == [UInt8](repeating: 9, count: 4096))
        }
        #expect(ring.operationCount(of: .readFixed) == 1)
        #expect(ring.operationCount(of: .read) == 3)
        #expect(ringPool.registrations.plainFallbackCount == 3)
    }

    @Test("Arenas past the reserved slots stay plain")
    func slotsRunOut() throws {
        let ring = try Ring()
        let pool = Self.poolThatKeepsNothing()
        let reservation = RingPool.Reservation(
            bufferSlots: 3..<5, bufferGroups: 0..<1, userDataMask: 1 << 63, userDataValue: 1 << 63,
            ownsBufferTable: true)
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0, reservation: reservation)
        let file = try TemporaryFile([UInt8](repeating: 9, count: 4096))
        for _ in 0..<4 {
            ringPool.read(into: pool.get(2 << 20), from: .file(file.descriptor), offset: 0, context: 0)
        }
        for completion in try ring.reap(4) { #expect(try ringPool.outcome(of: completion).result == 4096) }
        #expect(ring.operationCount(of: .readFixed) == 2)
        #expect(ring.operationCount(of: .read) == 2)
        #expect(ringPool.registrations.registeredArenaCount == 2)
        #expect(ringPool.registrations.plainArenaCount == 2)
    }

    @Test("A fixed operation on an empty slot fails: the slot number reaches the kernel")
    func emptySlotFails() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        defer { ringPool.close() }
        let memory = TestMemory(byteCount: 4096)
        let (near, far) = try loopbackConnection()
        defer { [near, far].forEach { close($0) } }
        let file = try TemporaryFile([1])
        ring.readFixed(from: .file(file.descriptor), into: memory.bytes, offset: 0, bufferIndex: 99, userData: 1)
        ring.writeFixed(to: .file(file.descriptor), from: memory.readable, offset: 0, bufferIndex: 99, userData: 2)
        #expect(try ring.reap(2).map(\.errno) == [EFAULT, EFAULT])
        ring.sendZeroCopy(to: .file(near), from: memory.readable, bufferIndex: 99, userData: 3)
        // A notification may follow, or not: only the flags tell.
        #expect(try ring.reap(1).first?.errno == EFAULT)
    }

    @Test("A second buffer table on one ring is refused, and leaves room for another pool")
    func secondTableIsRefused() throws {
        let host = try HostProgram(flags: 0)
        let ring = try Ring(adopting: host.ring)
        let pool = BufferPool()
        var owning = HostProgram.reservation
        owning.ownsBufferTable = true
        let error: RingError?
        do throws(RingError) {
            _ = try RingPool(ring: ring, pool: pool, shard: 0, reservation: owning)
            error = nil
        } catch let refusal {
            error = refusal
        }
        #expect(error == RingError(.registerBuffers, errno: EBUSY))
        _ = try RingPool(ring: ring, pool: pool, shard: 0, reservation: HostProgram.reservation)
    }

    @Test("A closed pool leaves the ring and its buffer table to another")
    func closedPoolLeavesTheTable() throws {
        let ring = try Ring()
        let pool = BufferPool()
        let first = try RingPool(ring: ring, pool: pool, shard: 0)
        first.close()
        _ = try RingPool(ring: ring, pool: pool, shard: 1)
    }
}

/// Carries a lease where only copyable values go.
final class PooledBufferBox: @unchecked Sendable {
    private var lease: PooledBuffer?
    init(_ lease: consuming PooledBuffer) { self.lease = consume lease }
    func take() -> PooledBuffer { lease.take()! }
}
