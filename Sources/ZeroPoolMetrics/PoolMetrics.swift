public import CoreMetrics
public import ZeroPool

/// Reports a pool's statistics to swift-metrics, and so to the program's backend, such as Prometheus or OpenTelemetry.
///
/// ```swift
/// let metrics = PoolMetrics(pool: pool, label: "zeropool", dimensions: [("pool", "uploads")])
/// while !Task.isCancelled {
///     metrics.update()
///     try await Task.sleep(for: .seconds(10))
/// }
/// ```
///
/// Each name starts with the label, by default "zeropool":
///
/// | name | kind | further dimensions | value |
/// | --- | --- | --- | --- |
/// | `zeropool.gets` | counter | `class`, `tier`: cache, shard, fresh, transient, refused | `Statistics.Gets` |
/// | `zeropool.returns` | counter | `class`, `tier`: cache, home, foreign, transient, detached | `Statistics.Returns` |
/// | `zeropool.evictions` | counter | `class` | `Statistics.evictionCount` |
/// | `zeropool.cache.refills` | counter | `class` | `Statistics.cacheRefillCount` |
/// | `zeropool.cache.spills` | counter | `class` | `Statistics.cacheSpillCount` |
/// | `zeropool.bytes` | meter | `class`, `state`: out, cached, idle, transient (part of out) | bytes now |
/// | `zeropool.mapped.bytes` | meter | | `Statistics.mappedByteCount` |
/// | `zeropool.mapped.max.bytes` | meter | | `Statistics.highWater.mappedByteCount` |
/// | `zeropool.pinned.bytes` | meter | | `Statistics.pinning.pinnedByteCount` |
///
/// `class` is the buffer's size in bytes, or `above` for sizes above 1 GiB, which have no class. A metric is made when its
/// class is first used. Let the backend sum over the classes.
///
/// **Threads.** Not Sendable, and has no thread of its own: make it on the thread that calls `update`. The pool may be in use
/// meanwhile.
///
/// **Owner.** Retains the pool. Its metrics end with it, so give each pool its own label or dimensions.
public final class PoolMetrics {
    private let pool: BufferPool
    private let label: String
    private let dimensions: [(String, String)]
    private let factory: any MetricsFactory
    private let mapped: Meter
    private let maxMapped: Meter
    private let pinned: Meter
    /// By the class's size; nil is above all.
    private var classes: [Int?: ClassMetrics] = [:]

    /// Metrics of `pool`, not yet reported.
    /// - Parameters:
    ///   - label: The start of all names.
    ///   - dimensions: Dimensions of all metrics.
    ///   - factory: The backend; nil for the one of `MetricsSystem`.
    public init(
        pool: BufferPool, label: String = "zeropool", dimensions: [(String, String)] = [],
        factory: (any MetricsFactory)? = nil
    ) {
        let factory = factory ?? MetricsSystem.factory
        self.pool = pool
        self.label = label
        self.dimensions = dimensions
        self.factory = factory
        mapped = Meter(label: label + ".mapped.bytes", dimensions: dimensions, factory: factory)
        maxMapped = Meter(label: label + ".mapped.max.bytes", dimensions: dimensions, factory: factory)
        pinned = Meter(label: label + ".pinned.bytes", dimensions: dimensions, factory: factory)
    }

    deinit {
        for meter in [mapped, maxMapped, pinned] { meter.destroy() }
        for metrics in classes.values { metrics.destroy() }
    }

    /// Reports what happened since the last call, and what the pool holds now. The first call reports everything since
    /// the pool was made.
    ///
    /// Cost: that of `BufferPool.statistics()`, which takes each shard's lock in turn, and the backend's work. Call it
    /// every few seconds.
    public func update() { report(pool.statistics()) }

    func report(_ statistics: BufferPool.Statistics) {
        mapped.set(Int64(statistics.mappedByteCount))
        maxMapped.set(Int64(statistics.highWater.mappedByteCount))
        pinned.set(Int64(statistics.pinning.pinnedByteCount))
        for line in statistics.classes {
            let metrics = classes[line.bufferByteCount] ?? makeMetrics(line.bufferByteCount)
            metrics.report(line)
        }
    }

    private func makeMetrics(_ bufferByteCount: Int?) -> ClassMetrics {
        let name = bufferByteCount.map { "\($0)" } ?? "above"
        let metrics = ClassMetrics(label: label, dimensions: dimensions + [("class", name)], factory: factory)
        classes[bufferByteCount] = metrics
        return metrics
    }
}

/// The metrics of one size class.
private final class ClassMetrics {
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
