import TestSupport
import Testing

@testable import ZeroPool

@Suite("A debugging pool")
struct DebuggingTests {
    private let debugging = BufferPool.builder().numShards(2).debugging()

    @Test(
        "fills fresh leases and returned memory with patterns, whatever tier they are of",
        arguments: [4096, 1 << 20, 32 << 20])
    func patterns(byteCount: Int) {
        for pool in [debugging.build(), debugging.maxByteCount(0).build(), debugging.maxBuffersPerShard(0).build()] {
            for _ in 0..<2 {
                let box = LeaseBox(pool.get(byteCount))
                let kept = KeptArena(of: box)
                #expect(kept.isAll(0xcd))
                kept.fill(1)
                box.buffer = nil
                #expect(kept.isAll(0xdb))
            }
            let zeroed = LeaseBox(pool.get(zeroed: pool.get(byteCount).capacity))
            #expect(KeptArena(of: zeroed).isAll(0))
        }
    }

    @Test("does not keep a secret either")
    func wipesToo() {
        let pool = debugging.wipesOnReturn().build()
        let box = LeaseBox(pool.get(65536))
        let kept = KeptArena(of: box)
        kept.fill(0x5a)
        box.buffer = nil
        #expect(kept.isAll(0xdb))
    }

    @Test("a pool that is not one knows of no lease, and fills nothing")
    func notDebugging() {
        let pool = BufferPool()
        let box = LeaseBox(pool.get(65536))
        #expect(pool.outstandingLeases() == nil)
        #expect(KeptArena(of: box).isAll(0))
    }

    @Test("tells what is out by the line that took it, the most bytes first")
    func outstanding() throws {
        let pool = debugging.build()
        #expect(pool.outstandingLeases() == [])
        let small = (0..<3).map { _ in LeaseBox(pool.get(4096, file: "Small", line: 10)) }
        let zeroed = LeaseBox(pool.get(zeroed: 100, file: "Zeroed", line: 11))
        let tried = LeaseBox(pool.tryGet(65536, file: "Tried", line: 12)!)
        let here = (LeaseBox(pool.get(16384)), #line)
        let groups = try #require(pool.outstandingLeases())
        #expect(groups.map(\.file) == ["Tried", #fileID, "Small", "Zeroed"])
        #expect(groups.map(\.line) == [12, here.1, 10, 11])
        #expect(groups.map(\.count) == [1, 1, 3, 1])
        #expect(groups.map(\.byteCount) == [65536, 16384, 3 * 4096, 4096])
        #expect(groups.map(\.oldestEvent) == [5, 6, 1, 4])
        #expect(Set(groups.map(\.oldestThread)) == [PoolSlots.currentThreadOrdinal])
        #expect(
            groups[2].description
                == "Small:10: 3 leases, 12288 bytes; the oldest as event 1, by thread \(groups[2].oldestThread)")
        for box in small + [tried, here.0] { box.buffer = nil }
        #expect(pool.outstandingLeases()?.map(\.file) == ["Zeroed"])
        zeroed.buffer = nil
        #expect(pool.outstandingLeases() == [])
    }

    @Test("notes who gets by a handle, too")
    func handle() {
        let pool = debugging.build()
        let handle = pool.handle(4096)
        let boxes = [LeaseBox(handle.get(file: "Got", line: 3)), LeaseBox(handle.tryGet(file: "Tried", line: 4)!)]
        #expect(pool.outstandingLeases()?.map(\.file) == ["Got", "Tried"])
        #expect(boxes.allSatisfy { KeptArena(of: $0).isAll(0xcd) })
        for box in boxes { box.buffer = nil }
        #expect(pool.outstandingLeases() == [])
    }

    @Test("counts as out what is detached, passed as a pointer, transient, or of a closed pool")
    func otherStates() throws {
        let pool = debugging.maxByteCount(2 << 20).build()
        do {
            let detached = pool.get(4096, file: "Detached", line: 1).detach()
            let pointer = unsafe pool.get(4096, file: "Passed", line: 2).passUnmanaged()
            let transient = pool.get(32 << 20, file: "Transient", line: 3)
            pool.close()
            let late = pool.get(4096, file: "Late", line: 4)
            let groups = try #require(pool.outstandingLeases())
            #expect(groups.map(\.file) == ["Transient", "Late", "Detached", "Passed"])
            _ = (detached.count, transient.count, late.count)
            unsafe _ = PooledBuffer.takeUnmanaged(pointer)
        }
        #expect(pool.outstandingLeases() == [])
        #expect(pool.leasedBufferCount == 0)
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("keeps a thread's shard, for those who observe its arenas")
    func observed() {
        let pool = debugging.build()
        var observer = pool.observeArenas(ofShard: 1)
        pool.bindCurrentThread(toShard: 1)
        let box = LeaseBox(pool.get(65536))
        #expect(box.location.shard == 1)
        var made: [Arena] = []
        observer.poll { event in
            if case .made(let arena) = event { made.append(arena) }
            return .release
        }
        #expect(made.count == 1)
        box.buffer = nil
    }

    @Test("finds nothing in a program that makes no mistake, whatever its threads do")
    func noFalseAlarm() {
        var seeds = SeededGenerator.announced("debugging", 0)
        let seed = seeds.next()
        let pool = debugging.maxBuffersPerShard(4).maxIdleByteCount(4 << 20).maxByteCount(64 << 20).build()
        let shared = Locked<[LeaseBox]>([])
        let threads = (0..<4).map { number in
            Thread {
                var random = SeededGenerator(seed: seed &+ UInt64(number))
                pool.bindCurrentThread(toShard: number % 2)
                for _ in 0..<500 { step(pool, shared, &random) }
            }
        }
        for thread in threads { thread.join() }
        #expect(pool.outstandingLeases()!.reduce(0) { $0 + $1.count } == shared.withLock { $0.count })
        shared.withLock { $0.removeAll() }
        #expect(pool.outstandingLeases() == [])
        let statistics = pool.statistics()
        #expect(statistics.returns.total == statistics.gets.served)
        #expect(pool.leasedBufferCount == 0)
    }
}

/// Takes a buffer and writes all of it, or ends one, on whatever thread, in one of the ways there are.
private func step(_ pool: BufferPool, _ shared: borrowing Locked<[LeaseBox]>, _ random: inout SeededGenerator) {
    if Bool.random(using: &random) {
        let box = LeaseBox(pool.get(1 << Int.random(in: 12...17, using: &random)))
        KeptArena(of: box).fill(UInt8.random(in: 0...255, using: &random))
        shared.withLock { $0.append(box) }
        return
    }
    let index = Int.random(in: 0..<1000, using: &random)
    let box = shared.withLock { $0.isEmpty ? nil : $0.remove(at: index % $0.count) }
    guard let buffer = box?.buffer.take() else { return }
    switch Int.random(in: 0..<3, using: &random) {
    case 0: _ = buffer.count
    case 1: _ = buffer.detach()
    default: unsafe _ = PooledBuffer.takeUnmanaged(buffer.passUnmanaged())
    }
}
