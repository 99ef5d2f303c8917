import TestSupport
import Testing

@testable import ZeroPool

@Suite("Idle memory on demand")
struct IdleMemoryTests {
    private let clock = HandClock(tick: 0)
    private static let arena = 2 << 20

    private func makePool(
        cache: Int = 0, shards: Int = 1, perShard: Int = 100, limit: Int = .max, idleLimit: Int = .max
    ) -> BufferPool {
        let configuration = BufferPool.builder().tlsCacheSize(cache).numShards(shards).maxBuffersPerShard(perShard)
            .maxByteCount(limit).maxIdleByteCount(idleLimit).maxIdleSeconds(.infinity).configuration
        return BufferPool(configuration, clock: .byHand(clock))
    }

    private func touch(_ pool: BufferPool, _ byteCount: Int = 65536, count: Int = 1) {
        let leases = (0..<count).map { _ in LeaseBox(pool.get(byteCount)) }
        withExtendedLifetime(leases) {}
    }

    // MARK: clear

    @Test("clear leaves nothing idle, and leases as they are")
    func clears() {
        let pool = makePool(cache: 4, shards: 2)
        let kept = LeaseBox(pool.get(zeroed: 65536))
        touch(pool, count: 10)
        touch(pool, 4 << 20)
        onThread { touch(pool, 8 << 20) }
        #expect(!pool.isEmpty)
        pool.clear()
        #expect(pool.isEmpty)
        #expect(pool.statistics().idleByteCount == 0)
        #expect(pool.statistics().mappedByteCount == Self.arena)
        #expect(kept.bytes == [UInt8](repeating: 0, count: 65536))
        // What was cleared is carved anew, and what is returned is kept as ever.
        let freshCount = pool.statistics().gets.fresh
        touch(pool, count: 10)
        #expect(pool.statistics().gets.fresh == freshCount + 10)
        #expect(pool.statistics().mappedByteCount == Self.arena)
        #expect(pool.count == 10)
    }

    // MARK: shrink

    @Test("shrink takes whole arenas first, the longest unused first")
    func shrinksByArenas() {
        let pool = makePool(shards: 4)
        for (shard, size) in [(2, 8), (0, 4), (3, 16), (1, 4)] {
            pool.bindCurrentThread(toShard: shard)
            onThread {
                pool.bindCurrentThread(toShard: shard)
                touch(pool, size << 20)
            }
            clock.advance(seconds: 1)
        }
        #expect(pool.statistics().idleByteCount == 32 << 20)
        pool.shrink(toIdleByteCount: 32 << 20)
        #expect(pool.statistics().mappedByteCount == 32 << 20)
        pool.shrink(toIdleByteCount: 30 << 20)
        #expect(pool.statistics().mappedByteCount == 24 << 20, "the 8 MiB were unused for the longest")
        pool.shrink(toIdleByteCount: 20 << 20)
        #expect(pool.statistics().mappedByteCount == 20 << 20)
        pool.shrink(toIdleByteCount: 0)
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("shrink takes single buffers where no arena is left, the longest unused first, whatever their class")
    func shrinksByBuffers() {
        let pool = makePool(cache: 0)
        let kept = LeaseBox(pool.get(4096))
        let (old, middle, young) = (LeaseBox(pool.get(65536)), LeaseBox(pool.get(16384)), LeaseBox(pool.get(65536)))
        let youngest = young.range.lowerBound
        for box in [old, middle, young] {
            box.buffer = nil
            clock.advance(seconds: 1)
        }
        touch(pool, 4 << 20)
        pool.shrink(toIdleByteCount: 200_000)
        #expect(pool.statistics().idleByteCount == 65536 + 16384 + 65536, "the arena sufficed")
        pool.shrink(toIdleByteCount: 100_000)
        #expect(pool.statistics().idleByteCount == 65536 + 16384)
        pool.shrink(toIdleByteCount: 65536)
        #expect(pool.statistics().idleByteCount == 65536)
        #expect(LeaseBox(pool.get(65536)).range.lowerBound == youngest)
        pool.shrink(toIdleByteCount: 0)
        #expect(pool.isEmpty)
        #expect(pool.statistics().mappedByteCount == Self.arena)
        withExtendedLifetime(kept) {}
    }

    @Test("shrink has the calling thread's cache go home first")
    func shrinkDrains() {
        let pool = makePool(cache: 8)
        touch(pool, count: 8)
        #expect(pool.statistics().idleByteCount == 0)
        pool.shrink(toIdleByteCount: 0)
        #expect(pool.statistics().mappedByteCount == 0)
    }

    // MARK: preallocate

    @Test("preallocate makes so many idle, in memory already, and tops up what is there")
    func preallocates() {
        let pool = makePool(cache: 4)
        #expect(pool.preallocate(count: 20, byteCount: 60_000) == 20)
        #expect(pool.statistics().idleByteCount == 20 * 65536)
        #expect(pool.statistics().gets == BufferPool.Statistics.Gets())
        #expect(pool.statistics().returns == BufferPool.Statistics.Returns())
        #expect(pool.preallocate(count: 40, byteCount: 65536) == 40)
        #expect(pool.preallocate(count: 5, byteCount: 65536) == 40)
        #expect(pool.statistics().mappedByteCount == 2 * Self.arena)
        touch(pool, count: 40)
        #expect(pool.statistics().gets.fresh == 0)
        #expect(pool.preallocate(count: 1, byteCount: 8 << 20) == 1)
        let lease = LeaseBox(pool.get(8 << 20))
        #expect(ProcessFile.memoryByteCount("Rss:", at: lease.range.lowerBound) >= 8 << 20)
        #expect(pool.statistics().gets.fresh == 0)
        #expect(pool.leasedBufferCount == 1)
    }

    @Test("preallocate stays within each limit, and says how many there are")
    func preallocatesWithinLimits() {
        #expect(makePool(perShard: 7).preallocate(count: 20, byteCount: 65536) == 7)
        let idleLimited = makePool(idleLimit: 1 << 20)
        #expect(idleLimited.preallocate(count: 20, byteCount: 65536) == 16)
        #expect(idleLimited.preallocate(count: 1, byteCount: 4096) == 0)
        #expect(makePool(limit: 4 << 20).preallocate(count: 99, byteCount: 1 << 20) == 4)
        #expect(makePool(limit: 1 << 20).preallocate(count: 1, byteCount: 1) == 0)
        #expect(makePool().preallocate(count: 1, byteCount: (1 << 30) + 1) == 0)
        #expect(makePool().preallocate(count: 0, byteCount: 65536) == 0)
    }

    @Test("preallocate serves the calling thread's shard")
    func preallocatesForTheShard() {
        let pool = makePool(cache: 4, shards: 2)
        pool.bindCurrentThread(toShard: 1)
        pool.preallocate(count: 3, byteCount: 4096)
        let lease = LeaseBox(pool.get(4096))
        #expect(lease.location.shard == 1)
        #expect(pool.statistics().gets.shard == 1)
    }

    @Test("a negative number traps")
    func negativeTraps() async {
        await #expect(processExitsWith: .failure) { BufferPool().shrink(toIdleByteCount: -1) }
        await #expect(processExitsWith: .failure) { BufferPool().preallocate(count: -1, byteCount: 1) }
        await #expect(processExitsWith: .failure) { BufferPool().preallocate(count: 1, byteCount: -1) }
    }

    // MARK: count

    @Test("count sees shards and all threads' caches, and no leases")
    func counts() {
        let pool = makePool(cache: 4)
        #expect(pool.isEmpty)
        let lease = LeaseBox(pool.get(4096))
        #expect(pool.isEmpty)
        touch(pool, count: 9)
        #expect(pool.count == 9)
        let (isReady, mayEnd) = (Gate(), Gate())
        let thread = Thread {
            self.touch(pool, 1 << 20, count: 3)
            isReady.open()
            mayEnd.wait()
        }
        isReady.wait()
        #expect(pool.count == 12)
        mayEnd.open()
        thread.join()
        #expect(pool.count == 12)
        withExtendedLifetime(lease) {}
    }

    // MARK: All at once

    @Test(
        "threads that use the pool lose nothing while others trim, clear, shrink, preallocate and count",
        arguments: 0..<4)
    func allAtOnce(round: Int) {
        let seed = SeededGenerator.announced("idle memory", round)
        let configuration = BufferPool.builder().tlsCacheSize(3).numShards(2).maxIdleSeconds(0.02).configuration
        let pool = BufferPool(configuration)
        let mismatchCount = Locked(0)
        let threads = (0..<6).map { number in
            Thread {
                var random = seed
                for _ in 0..<number { _ = random.next() }
                var boxes: [(box: LeaseBox, pattern: UInt8)] = []
                for step in 0..<1500 {
                    switch Int.random(in: 0..<100, using: &random) {
                    case 0: pool.trim()
                    case 1: pool.trim(olderThanSeconds: Double.random(in: 0...0.02, using: &random))
                    case 2: pool.clear()
                    case 3: pool.shrink(toIdleByteCount: Int.random(in: 0...(1 << 20), using: &random))
                    case 4: _ = pool.preallocate(count: 3, byteCount: 4096 << Int.random(in: 0..<6, using: &random))
                    case 5: _ = (pool.count, pool.isEmpty, pool.statistics())
                    case 6..<56 where boxes.count < 40:
                        let pattern = UInt8(truncatingIfNeeded: number &* 31 &+ step)
                        var buffer = pool.get(4096 << Int.random(in: 0..<6, using: &random))
                        buffer.append { output in output.append(repeating: pattern, count: 64, as: UInt8.self) }
                        boxes.append((LeaseBox(buffer), pattern))
                    default:
                        guard let index = boxes.indices.randomElement(using: &random) else { continue }
                        let (box, pattern) = boxes.remove(at: index)
                        if !box.bytes.allSatisfy({ $0 == pattern }) { mismatchCount.withLock { $0 += 1 } }
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(mismatchCount.withLock { $0 } == 0)
        #expect(pool.leasedBufferCount == 0)
        pool.trim()
        #expect(pool.statistics().mappedByteCount == 0)
    }
}
