import TestSupport
import Testing

@testable import ZeroPool

@Suite("Leased buffers")
struct LeasedCountTests {
    @Test(
        "those out are counted, wherever the others wait: a random walk on one thread", arguments: [0, 1, 2, 14])
    func randomWalk(cacheSize: Int) {
        var random = SeededGenerator.announced("leased", cacheSize)
        // Limits so tight that gets are refused and returns evicted.
        let pool = BufferPool.builder().tlsCacheSize(cacheSize).maxBuffersPerShard(3).numShards(4)
            .maxByteCountPerShard(8 << 20).build()
        var boxes: [LeaseBox] = []
        var detached: [DetachedBox] = []
        for step in 0..<4000 {
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8: boxes.append(LeaseBox(pool.get(4096 << Int.random(in: 0...11, using: &random))))
            case 8:
                if let box = LeaseBox(trying: pool, 4096 << Int.random(in: 0...14, using: &random)) {
                    boxes.append(box)
                }
            case 9: pool.bindCurrentThread(toShard: Int.random(in: 0..<4, using: &random))
            case 10 where !boxes.isEmpty:
                let box = boxes.remove(at: Int.random(in: 0..<boxes.count, using: &random))
                detached.append(DetachedBox(box.buffer.take()!.detach()))
            case 11 where !detached.isEmpty:
                detached.remove(at: Int.random(in: 0..<detached.count, using: &random))
            default: if !boxes.isEmpty { boxes.remove(at: Int.random(in: 0..<boxes.count, using: &random)) }
            }
            if step == 3500 { pool.close() }
            let leasedCount = pool.leasedBufferCount
            guard leasedCount == boxes.count + detached.count else {
                Issue.record("step \(step): \(leasedCount) leased, not \(boxes.count) + \(detached.count)")
                return
            }
        }
        boxes.removeAll()
        #expect(pool.leasedBufferCount == detached.count)
        detached.removeAll()
        #expect(pool.leasedBufferCount == 0)
    }

    @Test("other threads' caches and outboxes are seen through, during their life and after it")
    func otherThreads() {
        let pool = BufferPool.builder().tlsCacheSize(8).numShards(2).build()
        pool.bindCurrentThread(toShard: 0)
        let kept = Locked<[LeaseBox]>([])
        let boxes = (0..<5).map { _ in LeaseBox(pool.get(65536)) }
        let (isReady, mayEnd) = (Gate(), Gate())
        let thread = Thread {
            pool.bindCurrentThread(toShard: 1)
            // Three of the other shard's wait in the outbox, four of its own in the cache, two stay out.
            for box in boxes.prefix(3) { box.buffer = nil }
            let own = (0..<6).map { _ in LeaseBox(pool.get(65536)) }
            kept.withLock { $0 = Array(own.prefix(2)) }
            for box in own.dropFirst(2) { box.buffer = nil }
            isReady.open()
            mayEnd.wait()
        }
        isReady.wait()
        #expect(pool.leasedBufferCount == 2 + 2)
        mayEnd.open()
        thread.join()
        #expect(pool.leasedBufferCount == 2 + 2)
        kept.withLock { $0.removeAll() }
        #expect(pool.leasedBufferCount == 2)
        for box in boxes { box.buffer = nil }
        #expect(pool.leasedBufferCount == 0)
    }

    @Test("after any number of threads have come and gone, what they left out is counted")
    func afterJoins() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(4).maxBuffersPerShard(8).build()
        let channel = Locked<[LeaseBox]>([])
        for round in 0..<10 {
            let seed = SeededGenerator.announced("joined", round)
            let threads = (0..<4).map { number in
                Thread {
                    var random = seed
                    for _ in 0..<number { _ = random.next() }
                    for _ in 0..<500 {
                        if Bool.random(using: &random) {
                            let box = LeaseBox(pool.get(4096 << Int.random(in: 0..<4, using: &random)))
                            channel.withLock { $0.append(box) }
                        } else {
                            let box = channel.withLock { $0.popLast() }
                            box?.buffer = nil
                        }
                    }
                }
            }
            for thread in threads { thread.join() }
            #expect(pool.leasedBufferCount == channel.withLock { $0.count })
        }
        channel.withLock { $0.removeAll() }
        #expect(pool.leasedBufferCount == 0)
    }
}

/// A detached buffer in a class, for arrays.
private final class DetachedBox {
    let buffer: DetachedBuffer

    init(_ buffer: consuming DetachedBuffer) { self.buffer = consume buffer }
}

extension LeaseBox {
    /// What `tryGet` gives, or nil.
    fileprivate convenience init?(trying pool: BufferPool, _ byteCount: Int) {
        guard let buffer = pool.tryGet(byteCount) else { return nil }
        self.init(buffer)
    }
}
