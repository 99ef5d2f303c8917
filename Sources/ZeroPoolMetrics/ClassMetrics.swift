import CoreMetrics
import ZeroPool

/// The metrics of one size class.
final class ClassMetrics {
    private var counters: [RisingCounter]
    private let meters: [(meter: Meter, value: (BufferPool.ClassStatistics) -> Int)]

    init(label: String, dimensions: [(String, String)], factory: any MetricsFactory) {
        func counter(_ name: String, _ tier: String?, _ value: @escaping (BufferPool.ClassStatistics) -> Int)
            -> RisingCounter
        {
            let dimensions = dimensions + (tier.map { [("tier", $0)] } ?? [])
            return RisingCounter(Counter(label: label + name, dimensions: dimensions, factory: factory), value)
        }
        counters = [
            counter(".gets", "cache", \.gets.cache),
            counter(".gets", "shard", \.gets.shard),
            counter(".gets", "fresh", \.gets.fresh),
            counter(".gets", "transient", \.gets.transient),
            counter(".gets", "refused", \.gets.refused),
            counter(".returns", "cache", \.returns.cache),
            counter(".returns", "home", \.returns.home),
            counter(".returns", "foreign", \.returns.foreign),
            counter(".returns", "transient", \.returns.transient),
            counter(".returns", "detached", \.returns.detached),
            counter(".evictions", nil, \.evictionCount),
            counter(".cache.refills", nil, \.cacheRefillCount),
            counter(".cache.spills", nil, \.cacheSpillCount),
        ]
        func meter(_ state: String) -> Meter {
            Meter(label: label + ".bytes", dimensions: dimensions + [("state", state)], factory: factory)
        }
        meters = [
            (meter("out"), \.outByteCount),
            (meter("cached"), \.cachedByteCount),
            (meter("idle"), \.idleByteCount),
            (meter("transient"), \.transientByteCount),
        ]
    }

    func report(_ statistics: BufferPool.ClassStatistics) {
        for index in counters.indices { counters[index].report(statistics) }
        for (meter, value) in meters { meter.set(Int64(value(statistics))) }
    }

    func destroy() {
        for counter in counters { counter.destroy() }
        for (meter, _) in meters { meter.destroy() }
    }
}

/// A counter that is told totals.
///
/// While threads use the pool a total may come out a little lower than before (`BufferPool.Statistics`); a counter only rises,
/// so what was reported too early is not reported again.
private struct RisingCounter {
    private let counter: Counter
    private let value: (BufferPool.ClassStatistics) -> Int
    private var reported = 0

    init(_ counter: Counter, _ value: @escaping (BufferPool.ClassStatistics) -> Int) {
        self.counter = counter
        self.value = value
    }

    mutating func report(_ statistics: BufferPool.ClassStatistics) {
        let total = value(statistics)
        guard total > reported else { return }
        counter.increment(by: total - reported)
        reported = total
    }

    func destroy() { counter.destroy() }
}
