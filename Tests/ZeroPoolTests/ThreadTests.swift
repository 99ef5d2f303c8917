import TestSupport
import Glibc
import Synchronization
import Testing

@testable import ZeroPool

@Suite("Threads", .serialized)
struct ThreadTests {
    @Test("a buffer returned by a thread of another shard goes home, not into that thread's cache")
    func foreignReturnGoesHome() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(2).maxBuffersPerShard(16).build()
        pool.bindCurrentThread(toShard: 0)
        let boxes = (0..<20).map { _ in LeaseBox(pool.get(65536)) }
        #expect(boxes.allSatisfy { $0.location.shard == 0 })
        onThread {
            pool.bindCurrentThread(toShard: 1)
            for box in boxes { box.buffer = nil }
            let own = LeaseBox(pool.get(65536))
            #expect(own.location.shard == 1)
        }
        let statistics = pool.statistics()
        // In batches, the rest at the thread's end; 16 stay idle, 4 are past what the shard keeps.
        #expect(statistics.returns.foreign == 20)
        #expect(statistics.evictionCount == 4)
        #expect(statistics.returns.cache == 1)
        let again = (0..<20).map { _ in LeaseBox(pool.get(65536)) }
        #expect(again.allSatisfy { $0.location.shard == 0 })
        #expect(pool.statistics().gets.fresh == 20 + 1 + 4)
    }

    @Test("a producer that only takes and a consumer that only returns need no fresh memory in the end")
    func producerAndConsumer() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(2).maxBuffersPerShard(64).build()
        let channel = Locked<[LeaseBox]>([])
        let consumed = Atomic<Int>(0)
        let total = 20_000
        let consumer = Thread {
            pool.bindCurrentThread(toShard: 1)
            while consumed.load(ordering: .relaxed) < total {
                let box = channel.withLock { $0.popLast() }
                if let box {
                    box.buffer = nil
                    consumed.add(1, ordering: .relaxed)
                } else {
                    sched_yield()
                }
            }
        }
        let producer = Thread {
            pool.bindCurrentThread(toShard: 0)
            for _ in 0..<total {
                while channel.withLock({ $0.count }) > 30 { sched_yield() }
                let box = LeaseBox(pool.get(16384))
                channel.withLock { $0.append(box) }
            }
        }
        producer.join()
        consumer.join()
        // 31 on their way, 8 in the outbox, a batch in the cache and one in hand.
        #expect(pool.statistics().gets.fresh <= 31 + 8 + 4 + 2)
    }

    @Test("an ending thread hands its cache back")
    func threadExitHandsBack() {
        let pool = BufferPool.builder().tlsCacheSize(8).numShards(1).build()
        for _ in 0..<1000 {
            onThread { for _ in 0..<8 { _ = pool.get(65536) } }
        }
        let statistics = pool.statistics()
        #expect(statistics.gets.fresh == 1)
        #expect(statistics.gets.cache == 7000)
        #expect(statistics.idleByteCount == 65536)
        pool.close()
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("a thread bound to another shard leaves nothing of the first in its cache")
    func rebinding() {
        let pool = BufferPool.builder().tlsCacheSize(8).numShards(4).build()
        for shard in [0, 3, 1, 1, 2] {
            pool.bindCurrentThread(toShard: shard)
            for _ in 0..<3 {
                let box = LeaseBox(pool.get(4096))
                #expect(box.location.shard == shard)
            }
        }
    }

    @Test("a pool closed while threads use it is safe, and in the end all its memory is back")
    func closedUnderUse() {
        for round in 0..<20 {
            let seed = SeededGenerator.announced("close", round)
            var core: PoolCore?
            do {
                let pool = BufferPool.builder().tlsCacheSize(4).numShards(2).build()
                core = pool.core
                let started = Atomic<Int>(0)
                let threads = (0..<4).map { number in
                    Thread {
                        var random = seed
                        for _ in 0..<number { _ = random.next() }
                        var boxes: [LeaseBox] = []
                        for step in 0..<3000 {
                            let size = 4096 << Int.random(in: 0..<6, using: &random)
                            if Bool.random(using: &random) {
                                boxes.append(LeaseBox(pool.get(size)))
                            } else if !boxes.isEmpty {
                                boxes.remove(at: Int.random(in: 0..<boxes.count, using: &random))
                            }
                            if step == 1000 { started.add(1, ordering: .relaxed) }
                        }
                    }
                }
                while started.load(ordering: .relaxed) < 2 { sched_yield() }
                pool.close()
                for thread in threads { thread.join() }
            }
            #expect(core!.statistics().mappedByteCount == 0)
            core = nil
        }
    }

    @Test("64 threads on one pool neither deadlock nor mix their bytes")
    func manyThreads() {
        let pool = BufferPool.builder().tlsCacheSize(2).numShards(4).build()
        let mismatches = Atomic<Int>(0)
        let threads = (0..<64).map { number in
            Thread {
                for step in 0..<500 {
                    var buffer = pool.get(4096 << (step % 4))
                    let pattern = UInt8(truncatingIfNeeded: number &* 31 &+ step)
                    buffer.append { output in output.append(repeating: pattern, count: 64, as: UInt8.self) }
                    sched_yield()
                    if ![UInt8](copying: buffer).allSatisfy({ $0 == pattern }) {
                        mismatches.add(1, ordering: .relaxed)
                    }
                }
            }
        }
        for thread in threads { thread.join() }
        #expect(mismatches.load(ordering: .relaxed) == 0)
    }
}
