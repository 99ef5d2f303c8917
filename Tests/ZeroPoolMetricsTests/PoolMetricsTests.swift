import CoreMetrics
import MetricsTestKit
import Testing
import ZeroPool

@testable import ZeroPoolMetrics

@Suite("Pool metrics")
struct PoolMetricsTests {
    private let factory = TestMetrics()
    private let pool = BufferPool.builder().tlsCacheSize(4).numShards(1).build()

    /// The total of a counter of the pool "a", or nil when nothing was ever reported.
    private func total(_ name: String, _ byteClass: String, _ tier: String? = nil) -> Int64? {
        let dimensions = [("pool", "a"), ("class", byteClass)] + (tier.map { [("tier", $0)] } ?? [])
        return try? factory.expectCounter(name, dimensions).totalValue
    }

    private func bytes(_ byteClass: String, _ state: String) -> Double? {
        try? factory.expectMeter("zeropool.bytes", [("pool", "a"), ("class", byteClass), ("state", state)]).lastValue
    }

    private func makeMetrics() -> PoolMetrics {
        PoolMetrics(pool: pool, dimensions: [("pool", "a")], factory: factory)
    }

    @Test("counters rise by what happened since the last update, meters show what there is")
    func differences() throws {
        let metrics = makeMetrics()
        defer { withExtendedLifetime(metrics) {} }
        for _ in 0..<3 { _ = pool.get(65536) }
        metrics.update()
        #expect(total("zeropool.gets", "65536", "fresh") == 1)
        #expect(total("zeropool.gets", "65536", "cache") == 2)
        #expect(total("zeropool.gets", "65536", "refused") == 0)
        #expect(total("zeropool.returns", "65536", "cache") == 3)
        #expect(bytes("65536", "cached") == 65536)
        #expect(bytes("65536", "out") == 0)
        #expect(try factory.expectMeter("zeropool.mapped.bytes", [("pool", "a")]).lastValue == Double(2 << 20))
        #expect(total("zeropool.gets", "4096", "fresh") == nil, "a class that nobody used")

        do {
            let lease = pool.get(65536)
            metrics.update()
            #expect(total("zeropool.gets", "65536", "cache") == 3)
            #expect(bytes("65536", "out") == Double(lease.capacity))
            #expect(bytes("65536", "cached") == 0)
        }
        metrics.update()
        let cache = try factory.expectCounter(
            "zeropool.gets", [("pool", "a"), ("class", "65536"), ("tier", "cache")])
        #expect(cache.values == [2, 1])
        #expect(total("zeropool.returns", "65536", "cache") == 4)
        #expect(bytes("65536", "cached") == 65536)
    }

    @Test("what has no class is reported as above, and every figure arrives under its name")
    func everyFigure() throws {
        var line = BufferPool.ClassStatistics(bufferByteCount: nil)
        line.gets.cache = 1
        line.gets.shard = 2
        line.gets.fresh = 3
        line.gets.transient = 4
        line.gets.refused = 5
        line.returns.cache = 6
        line.returns.home = 7
        line.returns.foreign = 8
        line.returns.transient = 9
        line.returns.detached = 10
        line.evictionCount = 11
        line.cacheRefillCount = 12
        line.cacheSpillCount = 13
        line.transientByteCount = 14
        var statistics = BufferPool.Statistics()
        statistics.classes = [line]
        statistics.highWater.mappedByteCount = 15
        statistics.pinning.pinnedByteCount = 16
        let metrics = makeMetrics()
        defer { withExtendedLifetime(metrics) {} }
        metrics.report(statistics)
        let tiers = ["cache", "shard", "fresh", "transient", "refused"]
        #expect(tiers.map { total("zeropool.gets", "above", $0) } == [1, 2, 3, 4, 5])
        let ways = ["cache", "home", "foreign", "transient", "detached"]
        #expect(ways.map { total("zeropool.returns", "above", $0) } == [6, 7, 8, 9, 10])
        #expect(total("zeropool.evictions", "above") == 11)
        #expect(total("zeropool.cache.refills", "above") == 12)
        #expect(total("zeropool.cache.spills", "above") == 13)
        #expect(bytes("above", "transient") == 14)
        #expect(try factory.expectMeter("zeropool.mapped.max.bytes", [("pool", "a")]).lastValue == 15)
        #expect(try factory.expectMeter("zeropool.pinned.bytes", [("pool", "a")]).lastValue == 16)
    }

    @Test("a total that comes out lower for a moment is made good without counting twice")
    func dip() {
        let metrics = makeMetrics()
        defer { withExtendedLifetime(metrics) {} }
        for total in [10, 8, 10, 12] {
            var line = BufferPool.ClassStatistics(bufferByteCount: 4096)
            line.returns.cache = total
            var statistics = BufferPool.Statistics()
            statistics.classes = [line]
            metrics.report(statistics)
        }
        #expect(total("zeropool.returns", "4096", "cache") == 12)
    }

    @Test("the metrics end with what made them")
    func end() throws {
        do {
            let metrics = makeMetrics()
            defer { withExtendedLifetime(metrics) {} }
            _ = pool.get(4096)
            metrics.update()
            #expect(factory.counters.count == 13)
            #expect(factory.meters.count == 3 + 4)
        }
        #expect(factory.counters.isEmpty && factory.meters.isEmpty)
    }

    @Test("without a factory of its own it reports to the one in force")
    func factoryInForce() {
        withMetricsFactory(factory) {
            let metrics = PoolMetrics(pool: pool, label: "p")
            defer { withExtendedLifetime(metrics) {} }
            metrics.update()
            #expect(factory.meters(label: "p.mapped.bytes").count == 1)
        }
    }
}
