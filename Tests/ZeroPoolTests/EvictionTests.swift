import TestSupport
import Testing
@testable import ZeroPool

private let kiB = 1024
private let miB = 1024 * 1024

/// Hit rates of both policies on the same trace. A shard keeps 1 MiB idle. The figures in `EvictionPolicy` are from here.
@Suite("Eviction")
struct EvictionTests {
    private func rates(
        _ name: String, _ trace: EvictionTrace, idleByteCount: Int = miB, perShard: Int = 1000, cache: Int = 0
    ) -> (lifo: Double, clockPro: Double) {
        func rate(_ policy: EvictionPolicy) -> Double {
            let pool = BufferPool.builder().tlsCacheSize(cache).maxBuffersPerShard(perShard).numShards(1)
                .maxIdleByteCount(idleByteCount).evictionPolicy(policy).build()
            return trace.play(to: pool).hitRate
        }
        let (lifo, clockPro) = (rate(.lifo), rate(.clockPro))
        let percent = [lifo, clockPro].map { "\((Double(Int($0 * 1000)) / 10)) %" }
        print("eviction, \(name), caches of \(cache): lifo \(percent[0]), clockPro \(percent[1])")
        return (lifo, clockPro)
    }

    // MARK: Demand changes

    @Test("demand moves from one class to another, and the idle bytes follow", arguments: [0, 4])
    func phases(cache: Int) {
        var trace = EvictionTrace()
        for _ in 0..<100 { trace.burst(64 * kiB, count: 16) }
        for _ in 0..<100 { trace.burst(16 * kiB, count: 64) }
        for _ in 0..<100 { trace.burst(256 * kiB, count: 4) }
        let rates = rates("phases", trace, cache: cache)
        #expect(rates.clockPro > 0.85)
        #expect(rates.clockPro > rates.lifo + (cache == 0 ? 0.5 : 0.25))
    }

    @Test("what was used once, and came first, does not stay for ever")
    func scanFirst() {
        var trace = EvictionTrace()
        trace.scan([512 * kiB], countOfEach: 2)
        for _ in 0..<300 { trace.burst(64 * kiB, count: 16) }
        let rates = rates("scan first", trace)
        #expect(rates.lifo == 0)
        #expect(rates.clockPro > 0.98)
    }

    @Test("scans of large buffers that come home before the hot set do not take its place")
    func scansBetween() {
        var trace = EvictionTrace()
        for round in 0..<300 {
            let hot = trace.get(64 * kiB, count: 16)
            if round % 30 == 5 { trace.scan([256 * kiB, 512 * kiB, miB]) }
            trace.giveBack(hot)
        }
        let rates = rates("scans between", trace)
        #expect(rates.clockPro > rates.lifo + 0.5)
    }

    @Test("mixed sizes around a middle that moves", arguments: 0..<3)
    func mixedChanging(round: Int) {
        var random = SeededGenerator.announced("eviction changing", round)
        let trace = EvictionTrace.mixed(&random) { step, random in
            13 + step / 2000 * 7 % 8 + Int.random(in: -1...1, using: &random)
        }
        let rates = rates("mixed changing", trace)
        #expect(rates.clockPro > rates.lifo + 0.04)
        _ = self.rates("mixed changing", trace, cache: 4)
    }

    // MARK: Demand stays

    @Test("mixed sizes, small ones often, for as long as it takes", arguments: 0..<3)
    func mixedSteady(round: Int) {
        var random = SeededGenerator.announced("eviction steady", round)
        let trace = EvictionTrace.mixed(&random) { _, random in
            12 + min(Int.random(in: 0..<10, using: &random), Int.random(in: 0..<10, using: &random))
        }
        let rates = rates("mixed steady", trace)
        #expect(rates.clockPro > rates.lifo - 0.015)
        let cached = self.rates("mixed steady", trace, cache: 4)
        #expect(cached.clockPro > cached.lifo - 0.015)
    }

    @Test("a hot set that fits stays, whatever large ones pass by", arguments: [(0, 10), (0, 300), (4, 10)])
    func scansAfter(cache: Int, period: Int) {
        var trace = EvictionTrace()
        for round in 0..<300 {
            trace.burst(64 * kiB, count: 14)
            if round % period == 5 { trace.scan([128 * kiB, 256 * kiB, 512 * kiB], countOfEach: 2) }
        }
        let rates = rates("a scan each \(period) rounds", trace, cache: cache)
        #expect(rates.clockPro >= rates.lifo - 0.001)
        #expect(rates.clockPro > 0.95)
    }

    @Test("classes in turn that need thrice the bytes there are do not drive each other out for nothing")
    func tooMuch() {
        var trace = EvictionTrace()
        for _ in 0..<300 {
            trace.burst(64 * kiB, count: 16)
            trace.burst(16 * kiB, count: 64)
            trace.burst(256 * kiB, count: 4)
        }
        let rates = rates("thrice too much", trace)
        #expect(rates.clockPro >= rates.lifo - 0.001)
    }

    @Test("when only the count of a class is limited, both policies serve alike, since its buffers are alike")
    func classLimitOnly() {
        var random = SeededGenerator.announced("eviction class limit", 0)
        let trace = EvictionTrace.mixed(&random) { step, random in
            12 + (step < 10_000 ? 0 : 4) + Int.random(in: 0..<5, using: &random)
        }
        let rates = rates("class limit only", trace, idleByteCount: .max, perShard: 2)
        #expect(rates.clockPro == rates.lifo)
        #expect(rates.lifo < 0.9, "the limit binds")
    }
}

/// What a program asks of a pool, one get or return after the other: the same for every policy.
struct EvictionTrace {
    enum Step {
        case get(byteCount: Int)
        /// Of the lease that was taken as the `index`th of all.
        case giveBack(index: Int)
    }

    private(set) var steps: [Step] = []
    private var getCount = 0

    /// Takes `count` buffers; their indices.
    mutating func get(_ byteCount: Int, count: Int = 1) -> Range<Int> {
        for _ in 0..<count { steps.append(.get(byteCount: byteCount)) }
        getCount += count
        return getCount - count..<getCount
    }

    mutating func giveBack(_ indices: some Sequence<Int>) {
        for index in indices { steps.append(.giveBack(index: index)) }
    }

    /// Takes `count` buffers at once, and returns them.
    mutating func burst(_ byteCount: Int, count: Int) {
        let indices = get(byteCount, count: count)
        giveBack(indices)
    }

    /// Takes one buffer of each size, largest last, and returns all.
    mutating func scan(_ byteCounts: [Int], countOfEach: Int = 1) {
        var indices: [Int] = []
        for byteCount in byteCounts { indices += get(byteCount, count: countOfEach) }
        giveBack(indices)
    }

    /// 20,000 steps with up to 40 buffers out at a time, each of the class that `shift` says for the step.
    static func mixed(
        _ random: inout SeededGenerator, shift: (_ step: Int, _ random: inout SeededGenerator) -> Int
    ) -> EvictionTrace {
        var trace = EvictionTrace()
        var out: [Int] = []
        for step in 0..<20_000 {
            if out.count < 40, Bool.random(using: &random) {
                out += trace.get(1 << shift(step, &random))
            } else if !out.isEmpty {
                trace.giveBack([out.remove(at: Int.random(in: 0..<out.count, using: &random))])
            }
        }
        return trace
    }

    /// Plays the steps, on this thread, to a pool; what came of it.
    func play(to pool: BufferPool) -> BufferPool.Statistics {
        var leases: [Int: LeaseBox] = [:]
        var index = 0
        for step in steps {
            switch step {
            case .get(let byteCount):
                leases[index] = LeaseBox(pool.get(byteCount))
                index += 1
            case .giveBack(let index): leases[index] = nil
            }
        }
        return pool.statistics()
    }
}

extension BufferPool.Statistics {
    /// The part of gets that found an idle buffer, in a cache or a shard.
    var hitRate: Double {
        let hitCount = gets.cache + gets.shard
        return Double(hitCount) / Double(hitCount + gets.fresh + gets.transient)
    }
}
