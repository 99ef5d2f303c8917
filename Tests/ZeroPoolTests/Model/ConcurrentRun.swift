import TestSupport
import Glibc
import Synchronization

@testable import ZeroPool

/// A pool that threads use at once: they take, write, hand over, return, trim and bind as a seed says, an observer holds
/// arenas meanwhile, and somebody may close the pool in the middle.
///
/// What is checked meanwhile is what each thread can know; what was done in all is compared when all is quiet. A seed gives
/// the same steps again, but threads meet in another way each time.
final class ConcurrentRun: @unchecked Sendable {
    // SAFETY: Sendable, since what changes while threads run is locked or atomic.
    private let trace: ModelTrace
    private let model: ModelledPool
    private let configuration: BufferPool.Configuration
    private let stepCount: Int
    private let closesInTheMiddle: Bool
    private let threadCount: Int
    private let seed: UInt64
    /// Leases on their way from one thread to another.
    private let exchange = Locked<[ModelledLease]>([])
    private let violations = Locked<[String]>([])
    private let tallies = Locked<[Int: ModelledPool.Tally]>([:])
    private let closing = Atomic<Bool>(false)
    private let runningCount: Atomic<Int>

    init(seed: UInt64) {
        var random = SeededGenerator(seed: ~seed)
        var configuration = BufferPool.Configuration.random(&random)
        configuration.numShards = min(4, configuration.numShards)
        configuration.minBufferSize = min(1 << 16, configuration.minBufferSize)
        // The system's time: ages of a tick and of more than a run.
        configuration.maxIdleSeconds = random.element([0.02, 10])
        self.configuration = configuration
        self.seed = random.next()
        threadCount = random.integer(2, 16)
        stepCount = random.element([50, 200])
        closesInTheMiddle = random.chance(0.5) && !configuration.debugging
        runningCount = Atomic(threadCount)
        trace = ModelTrace(seed: seed)
        let overshootByteCount = (configuration.numShards - 1) * (2 << 20)
        model = ModelledPool(BufferPool(configuration), overshootByteCount: overshootByteCount, trace)
    }

    private var pool: BufferPool { model.owned }

    /// - Returns: the rules that were broken.
    func run() -> [String] {
        CrashReport.begin(trace, isThreaded: true)
        defer { CrashReport.end() }
        var threads = (0..<threadCount).map { number in Thread { [self] in work(number) } }
        threads.append(Thread { [self] in observe() })
        for thread in threads { thread.join() }
        checkWhenQuiet()
        return violations.withLock { $0 } + (trace.violation.map { [$0] } ?? [])
    }

    private func require(_ holds: Bool, _ rule: String) {
        if !holds { violations.withLock { $0.append(rule) } }
    }

    // MARK: A thread

    private func work(_ number: Int) {
        var random = SeededGenerator(seed: seed &+ UInt64(number))
        let pool = pool
        var own: [ModelledLease] = []
        var done: [Int: ModelledPool.Tally] = [:]
        for step in 0..<stepCount {
            if number == 0, step == stepCount / 2, closesInTheMiddle {
                closing.store(true, ordering: .sequentiallyConsistent)
                pool.close()
            }
            switch random.integer(0, 99) {
            case 0..<45:
                let leaseNumber = number << 32 | step
                if let lease = get(&random, number: leaseNumber, &done) { own.append(lease) }
                if own.count > 8 { end(own.remove(at: random.integer(0, own.count - 1)), &done) }
            case 45..<65: if let lease = own.popLast() { exchange.withLock { $0.append(lease) } }
            case 65..<90: if let lease = exchange.withLock({ $0.popLast() }) ?? own.popLast() { end(lease, &done) }
            case 90..<94: if let lease = own.last { random.chance(0.5) ? lease.pass() : lease.detach() }
            default: doSomethingElse(&random)
            }
        }
        for lease in own { end(lease, &done) }
        tallies.withLock { $0.merge(done) { $0 + $1 } }
        runningCount.subtract(1, ordering: .releasing)
    }

    private func get(_ random: inout SeededGenerator, number: Int, _ done: inout [Int: ModelledPool.Tally])
        -> ModelledLease?
    {
        let byteCount = random.integer(0, 1 << random.integer(12, random.chance(0.05) ? 21 : 17))
        let classByteCount = configuration.classByteCount(for: byteCount)
        let isLimited = configuration.maxByteCount != .max || configuration.maxByteCountPerShard != .max
        let isTry = random.chance(0.5)
        var buffer = isTry ? pool.tryGet(byteCount) : pool.get(byteCount)
        let mayHaveNothing = isLimited || closing.load(ordering: .sequentiallyConsistent)
        guard let buffer = buffer.take() else {
            require(mayHaveNothing, "tryGet is nil only past a limit, and when the pool is closed")
            done[classByteCount, default: .init()].refusedCount += 1
            return nil
        }
        let lease = ModelledLease(buffer, number: number, askedClassByteCount: classByteCount)
        require(mayHaveNothing || !lease.isTransient, "memory is transient only where nothing could be served")
        require(lease.byteCount >= max(1, byteCount), "a lease is as large as was asked for")
        if configuration.debugging {
            require(lease.memory.isAll(Poison.fresh.rawValue), "a debugging pool fills fresh leases")
        } else if configuration.wipesOnReturn {
            require(lease.memory.isAll(0), "a wiping pool hands out nothing that was written before")
        }
        lease.write()
        done[lease.classByteCount, default: .init()].servedCount += 1
        if lease.isTransient { done[lease.classByteCount]!.transientCount += 1 }
        return lease
    }

    private func end(_ lease: ModelledLease, _ done: inout [Int: ModelledPool.Tally]) {
        require(lease.isIntact, "nobody writes to a lease but its tenant")
        if lease.isDetached {
            done[lease.classByteCount, default: .init()].detachedEndCount += 1
        } else {
            done[lease.classByteCount, default: .init()].returnCount += 1
        }
        lease.end()
    }

    private func doSomethingElse(_ random: inout SeededGenerator) {
        switch random.integer(0, 9) {
        case 0: pool.trim()
        case 1: pool.trim(olderThanSeconds: random.element([0, 0.02]))
        case 2: pool.clear()
        case 3: pool.shrink(toIdleByteCount: 1 << random.integer(10, 20))
        case 4: pool.preallocate(count: 3, byteCount: 1 << random.integer(10, 17))
        case 5: _ = (pool.count, pool.statistics())
        case 6: sched_yield()
        default: pool.bindCurrentThread(toShard: random.integer(0, pool.shardCount - 1))
        }
    }

    // MARK: An observer

    /// Watches one shard while others use it, and holds half of its arenas for a while.
    private func observe() {
        var random = SeededGenerator(seed: ~seed)
        var observer = pool.observeArenas(ofShard: random.integer(0, pool.shardCount - 1))
        var held: [Int: Arena] = [:]
        while runningCount.load(ordering: .acquiring) > 0 {
            observer.poll { event in
                let reply: ArenaReply = random.chance(0.5) ? .hold : .release
                switch (event, reply) {
                case (.made(let arena), .hold): held[arena.index] = arena
                case (.made(let arena), .release):
                    require(held[arena.index] == nil, "what is held is not announced again")
                case (.mayGo(let arena), _):
                    require(held[arena.index] != nil, "who is asked holds the arena")
                    if reply == .release { held[arena.index] = nil }
                }
                return reply
            }
            for arena in held.values {
                let memory = UnsafeMutableRawBufferPointer(start: arena.baseAddress, count: arena.byteCount)
                require(memory.isMapped, "what an observer holds stays mapped")
            }
            sched_yield()
        }
    }

    // MARK: In the end

    /// All threads have ended, and then all leases: the figures agree with what was done, and nothing is left.
    private func checkWhenQuiet() {
        var done = tallies.withLock { $0 }
        for lease in exchange.withLock({ $0 }) { end(lease, &done) }
        model.add(done)
        model.audit()
        if !closesInTheMiddle { pool.trim() }
        let mappedByteCount = pool.statistics().mappedByteCount
        require(mappedByteCount == 0, "what was closed is gone with its last lease, and what is idle by a trim")
        model.endOwner(nil)
        model.checkEnd()
    }
}
