import TestSupport
import Testing
@testable import ZeroPool

@Suite("A debugging pool traps")
struct DebuggingTrapTests {
    @Test("at the next get of memory that was written to after its return, and says where it was leased")
    func writtenBeforeNextGet() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().debugging().build()
            let box = LeaseBox(pool.get(65536, file: "Module/Taker.swift", line: 77))
            let kept = KeptArena(of: box)
            box.buffer = nil
            unsafe kept.memory[12345] = 0x41
            _ = pool.get(65536)
        }
        #expect(says(result, "a buffer was written to after its return: byte 12345 is 0x41"))
        #expect(
            says(result, "65536 bytes taken at Module/Taker.swift:77 (as event 1, by thread 1), returned as event 2"))
    }

    @Test("at the first get of preallocated memory that was written to by who had it before")
    func writtenAfterPreallocation() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().numShards(1).debugging().build()
            let neighbour = LeaseBox(pool.get(65536))
            let box = LeaseBox(pool.get(65536))
            let kept = KeptArena(of: box)
            box.buffer = nil
            pool.clear()
            pool.preallocate(count: 1, byteCount: 65536)
            unsafe kept.memory[99] = 0x41
            _ = pool.get(65536)
            _ = neighbour
        }
        #expect(says(result, "a buffer was written to after its return: byte 99 is 0x41"))
        #expect(says(result, "65536 bytes taken at ZeroPool/Shard.swift:"))
    }

    @Test(
        "when such memory goes back to the system with its pool, and it was the first byte or the last",
        arguments: [0, 4095])
    func writtenBeforeClose(offset: Int) async {
        let result =
            if offset == 0 {
                await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                    writeAfterReturn(BufferPool.builder().debugging().build(), at: 0)
                }
            } else {
                await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
                    writeAfterReturn(BufferPool.builder().debugging().build(), at: 4095)
                }
            }
        #expect(says(result, "a buffer was written to after its return: byte \(offset) is 0x7f"))
    }

    @Test("when an idle buffer is returned again, and says where it was leased and first returned")
    func returnedTwice() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().debugging().build()
            let box = LeaseBox(pool.get(4096, file: "Module/Taker.swift", line: 5))
            let copy = duplicate(box)
            onThread { box.buffer = nil }
            copy.buffer = nil
        }
        #expect(says(result, "ZeroPool: the first return was here:\n/"))
        #expect(
            says(
                result,
                "a buffer was returned twice: 4096 bytes taken at Module/Taker.swift:5 (as event 1, by thread 1), "
                    + "returned as event 2, by thread 2"))
    }

    @Test("when a buffer is returned again whose memory has gone with its arena, or with a transient lease")
    func returnedTwiceAfterTheEnd() async {
        let arena = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().maxBuffersPerShard(0).debugging().build()
            returnTwice(pool)
        }
        #expect(says(arena, "a buffer was returned twice: 4096 bytes taken at Gone:1"))
        let transient = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().maxByteCount(0).debugging().build()
            returnTwice(pool)
        }
        #expect(says(transient, "a buffer was returned twice: 2097152 bytes taken at Gone:1"))
        let detached = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().debugging().build()
            let box = LeaseBox(pool.get(4096, file: "Gone", line: 1))
            let copy = duplicate(box)
            _ = box.buffer.take()?.detach()
            _ = copy.buffer.take()?.detach()
        }
        #expect(says(detached, "a buffer was returned twice: 4096 bytes taken at Gone:1"))
    }

    @Test("when a lease passed as a pointer is taken again whose memory is gone")
    func takenTwiceAfterTheEnd() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().maxByteCount(0).debugging().build()
            let pointer = unsafe pool.get(4096).passUnmanaged()
            unsafe _ = PooledBuffer.takeUnmanaged(pointer)
            unsafe _ = PooledBuffer.takeUnmanaged(pointer)
        }
        #expect(says(result, "takeUnmanaged of a lease that is not passed"))
    }

    @Test("not, but reports, when leases are out as it closes")
    func reportsAtClose() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().debugging().build()
            let one = LeaseBox(pool.get(4096, file: "Module/Small.swift", line: 1))
            let more = (0..<2).map { _ in LeaseBox(pool.get(65536, file: "Module/Large.swift", line: 2)) }
            pool.close()
            pool.close()
            for box in more + [one] { box.buffer = nil }
        }
        #expect(
            says(
                result,
                """
                ZeroPool: a debugging pool was closed with 3 leases out, 135168 bytes:
                  Module/Large.swift:2: 2 leases, 131072 bytes; the oldest as event 2, by thread 1
                  Module/Small.swift:1: 1 lease, 4096 bytes; the oldest as event 1, by thread 1

                """))
        let report = result.map { String(decoding: $0.standardErrorContent, as: UTF8.self) } ?? ""
        #expect(report.components(of: "a debugging pool was closed") == 1)
    }

    @Test("not, and says nothing, when all is back as it closes, or when it is no debugging pool")
    func silentAtClose() async {
        let result = await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().debugging().build()
            for _ in 0..<3 { _ = pool.get(4096) }
            pool.close()
            let ordinary = BufferPool()
            let box = LeaseBox(ordinary.get(4096))
            ordinary.close()
            box.buffer = nil
        }
        #expect(!says(result, "ZeroPool"))
    }
}

private func writeAfterReturn(_ pool: BufferPool, at offset: Int) {
    let box = LeaseBox(pool.get(4096))
    let kept = KeptArena(of: box)
    box.buffer = nil
    unsafe kept.memory[offset] = 0x7f
    pool.close()
}

private func returnTwice(_ pool: BufferPool) {
    let box = LeaseBox(pool.get(4096, file: "Gone", line: 1))
    let copy = duplicate(box)
    box.buffer = nil
    copy.buffer = nil
}

extension String {
    /// How often `part` occurs.
    fileprivate func components(of part: String) -> Int {
        indices.count { self[$0...].hasPrefix(part) }
    }
}

@Suite("Double returns, which only unsafe code can make")
struct DoubleReturnTests {
    @Test("are found where the buffer is idle already")
    func idle() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().tlsCacheSize(0).build()
            let box = LeaseBox(pool.get(65536))
            let copy = duplicate(box)
            box.buffer = nil
            copy.buffer = nil
        }
        #expect(says(result, "ZeroPool: a buffer was returned twice"))
    }

    @Test("are found where the buffer is a free part of its arena already, merged or not")
    func uncarved() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).build()
            let other = LeaseBox(pool.get(65536))
            let box = LeaseBox(pool.get(65536))
            let copy = duplicate(box)
            box.buffer = nil
            copy.buffer = nil
            _ = other
        }
        #expect(says(result, "ZeroPool: a buffer was returned twice"))
        await #expect(processExitsWith: .failure) {
            var map = BuddyMap(maximumOrder: 9)
            let units = [map.take(order: 0)!, map.take(order: 0)!]
            for unit in units { map.giveBack(unit: unit, order: 0) }
            map.giveBack(unit: units[0], order: 0)
        }
    }
}
