import TestSupport
import Synchronization
import Testing

@testable import ZeroPool

/// What always holds between the figures, whatever was done.
@Suite("Statistics: conservation")
struct StatisticsConservationTests {
    /// What a test did with a class, counted by itself.
    private struct Model: Equatable {
        var servedCount = 0
        var returnCount = 0
        var detachedCount = 0
        var outCount: Int { servedCount - returnCount - detachedCount }
    }

    /// A lease and the class that counts it: that of its buffer, or for transient memory that asked for.
    private struct Entry {
        let box: LeaseBox
        let byteCount: Int

        init(_ box: LeaseBox, asked: Int) {
            self.box = box
            byteCount = box.location.arena < Arena.maximumCountPerShard ? box.range.count : asked
        }
    }

    @Test("every lease is out or came back, by class: a random walk on one thread", arguments: [0, 1, 2, 9])
    func randomWalk(cacheSize: Int) {
        var random = SeededGenerator.announced("conservation", cacheSize)
        let pool = BufferPool.builder().tlsCacheSize(cacheSize).maxBuffersPerShard(3).numShards(4)
            .maxByteCountPerShard(8 << 20).build()
        var entries: [Entry] = []
        var models: [Int: Model] = [:]
        var refusedCount = 0
        for step in 0..<4000 {
            let byteCount = 4096 << Int.random(in: 0...12, using: &random)
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<8:
                entries.append(Entry(LeaseBox(pool.get(byteCount)), asked: byteCount))
                models[entries.last!.byteCount, default: Model()].servedCount += 1
            case 8:
                if let buffer = pool.tryGet(byteCount) {
                    entries.append(Entry(LeaseBox(buffer), asked: byteCount))
                    models[entries.last!.byteCount, default: Model()].servedCount += 1
                } else {
                    refusedCount += 1
                }
            case 9: pool.bindCurrentThread(toShard: Int.random(in: 0..<4, using: &random))
            default:
                guard !entries.isEmpty else { continue }
                let entry = entries.remove(at: Int.random(in: 0..<entries.count, using: &random))
                if Int.random(in: 0..<10, using: &random) == 0 {
                    _ = entry.box.buffer.take()!.detach()
                    models[entry.byteCount]!.detachedCount += 1
                } else {
                    entry.box.buffer = nil
                    models[entry.byteCount]!.returnCount += 1
                }
            }
            if step == 3500 { pool.close() }
            guard holds(pool.statistics(), models, refusedCount, pool) else {
                Issue.record("step \(step): \(models), \(pool.statistics())")
                return
            }
        }
    }

    private func holds(
        _ statistics: BufferPool.Statistics, _ models: [Int: Model], _ refusedCount: Int, _ pool: BufferPool
    )
        -> Bool
    {
        var result = statistics.gets.refused == refusedCount && statistics.outCount == pool.leasedBufferCount
        for (byteCount, model) in models {
            guard let line = statistics.classes.first(where: { $0.bufferByteCount == byteCount }) else { return false }
            let counted = Model(
                servedCount: line.gets.served, returnCount: line.returns.total - line.returns.detached,
                detachedCount: line.returns.detached)
            result = result && counted == model && line.outCount == model.outCount
            result = result && line.maxIdleCount >= line.idleCount
            result = result && line.maxAwayCount >= line.outCount - line.transientCount + line.cachedCount
        }
        let carvedCount = pool.core.shards.reduce(0) { $0 + $1.state.withLock { $0.counters.carvedCount } }
        let placedCount =
            statistics.outCount - statistics.transientCount + statistics.cachedCount + statistics.idleCount
        let heldByteCount = statistics.outByteCount + statistics.cachedByteCount + statistics.idleByteCount
        return result && carvedCount == placedCount && heldByteCount <= statistics.mappedByteCount
            && statistics.mappedByteCount <= statistics.highWater.mappedByteCount
    }

    @Test("after threads that pass leases to each other have ended, nothing is missing")
    func threads() {
        let pool = BufferPool.builder().tlsCacheSize(4).numShards(4).maxBuffersPerShard(8).build()
        let channel = Locked<[LeaseBox]>([])
        let getCount = Atomic<Int>(0)
        let returnCount = Atomic<Int>(0)
        let seed = SeededGenerator.announced("conservation", 0)
        let threads = (0..<4).map { number in
            Thread {
                var random = seed
                for _ in 0..<number { _ = random.next() }
                for _ in 0..<2000 {
                    if Bool.random(using: &random) {
                        let box = LeaseBox(pool.get(4096 << Int.random(in: 0..<4, using: &random)))
                        getCount.add(1, ordering: .relaxed)
                        channel.withLock { $0.append(box) }
                    } else if let box = channel.withLock({ $0.popLast() }) {
                        box.buffer = nil
                        returnCount.add(1, ordering: .relaxed)
                    }
                }
            }
        }
        // Meanwhile: no race for the thread sanitizer to find, and no figure below zero.
        for _ in 0..<50 {
            let statistics = pool.statistics()
            #expect(statistics.classes.allSatisfy { $0.outCount >= 0 && $0.cachedCount >= 0 && $0.returns.cache >= 0 })
        }
        for thread in threads { thread.join() }
        let statistics = pool.statistics()
        let outCount = channel.withLock { $0.count }
        #expect(statistics.gets.served == getCount.load(ordering: .relaxed))
        #expect(statistics.returns.total == returnCount.load(ordering: .relaxed))
        #expect(statistics.outCount == outCount)
        #expect(statistics.cachedCount == 0)
        #expect(statistics.returns.foreign > 0)
        channel.withLock { $0.removeAll() }
    }
}
