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
