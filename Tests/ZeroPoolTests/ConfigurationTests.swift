import Testing

@testable import ZeroPool

@Suite("Configuration")
struct ConfigurationTests {
    @Test(
        "adapts to the processors",
        arguments: [
            (1, 4), (2, 4), (4, 4), (8, 8), (16, 8), (32, 16), (64, 32), (128, 64), (256, 128), (1024, 128),
        ])
    func adapts(processors: Int, shards: Int) {
        let configuration = BufferPool.Configuration.adapted(processorCount: processors)
        #expect(configuration.numShards == shards)
        #expect(configuration.maxIdleByteCount == ProcessBudget.memoryByteCount / 8)
    }

    @Test("a thread keeps many small buffers and two large ones, and no large part of a limited pool")
    func cacheCapacities() {
        var configuration = BufferPool.Configuration.adapted(processorCount: 2)
        configuration.maxIdleByteCount = 1 << 30
        #expect((12...26).map(configuration.cacheCapacity) == [32, 32, 32, 32, 32, 16, 8, 4, 2, 2, 2, 2, 2, 0, 0])
        configuration.maxByteCount = 4 << 20
        #expect((12...17).map(configuration.cacheCapacity) == [32, 32, 16, 8, 4, 2])
        configuration.maxByteCountPerShard = 1 << 20
        #expect((12...15).map(configuration.cacheCapacity) == [16, 8, 4, 2])
        configuration.maxIdleByteCount = 0
        #expect(configuration.cacheCapacity(shift: 12) == 2)
        configuration.tlsCacheSize = 1
        #expect(configuration.cacheCapacity(shift: 12) == 1)
        configuration.tlsCacheSize = 0
        #expect(configuration.cacheCapacity(shift: 12) == 0)
    }

    @Test("a thread's cache holds as many buffers as the configuration says", arguments: [4096, 65536, 1 << 20])
    func cacheHoldsItsCapacity(byteCount: Int) {
        let pool = BufferPool.builder().tlsCacheSize(20).tlsCacheByteCount(256 << 10).numShards(1).build()
        let capacity = pool.configuration.cacheCapacity(shift: byteCount.trailingZeroBitCount)
        var boxes = (0..<capacity).map { _ in LeaseBox(pool.get(byteCount)) }
        boxes.removeAll()
        #expect(pool.statistics().idleByteCount == 0)
        boxes = (0...capacity).map { _ in LeaseBox(pool.get(byteCount)) }
        boxes.removeAll()
        #expect(pool.statistics().idleByteCount == (capacity + 1 - capacity / 2 - 1) * byteCount)
    }

    @Test("is always possible, for any number of processors", arguments: [3, 5, 6, 7, 9, 12, 20, 24, 48, 96, 192])
    func isPossible(processors: Int) {
        let configuration = BufferPool.Configuration.adapted(processorCount: processors)
        configuration.check()
        #expect((4...128).contains(configuration.numShards))
    }

    @Test("the process's own budget is of this machine")
    func budget() {
        #expect(ProcessBudget.processorCount >= 1)
        #expect(ProcessBudget.processorCount <= ProcessBudget.allowedProcessors.count)
        #expect(ProcessBudget.memoryByteCount >= 1 << 20)
    }

    @Test("the builder sets every value, and leaves the rest adapted")
    func builderSetsEveryValue() {
        let pool = BufferPool.builder().minBufferSize(65536).tlsCacheSize(14).tlsCacheByteCount(1 << 21)
            .maxBuffersPerShard(3).numShards(2)
            .pinnedMemory(true)
            .hugePages(false)
            .evictionPolicy(.lifo).maxByteCount(1 << 30).maxByteCountPerShard(1 << 29)
            .maxIdleByteCount(1 << 20)
            .maxIdleSeconds(2.5)
            .wipesOnReturn().debugging().build()
        #expect(
            pool.configuration
                == BufferPool.Configuration(
                    minBufferSize: 65536, tlsCacheSize: 14, tlsCacheByteCount: 1 << 21, maxBuffersPerShard: 3,
                    numShards: 2, pinnedMemory: true,
                    hugePages: false,
                    evictionPolicy: .lifo, maxByteCount: 1 << 30, maxByteCountPerShard: 1 << 29,
                    maxIdleByteCount: 1 << 20, maxIdleSeconds: 2.5, wipesOnReturn: true, debugging: true))
        #expect(pool.shardCount == 2)
        #expect(BufferPool.builder().build().configuration == .adapted())
    }

    @Test("an impossible configuration traps")
    func impossibleTraps() async {
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().minBufferSize(5000).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().minBufferSize(2048).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().numShards(3).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().numShards(256).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().tlsCacheSize(1001).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().tlsCacheByteCount(-1).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().maxBuffersPerShard(-1).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().maxByteCountPerShard(-1).build() }
    }

    @Test("an age that is none traps")
    func impossibleAgeTraps() async {
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().maxIdleSeconds(0).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().maxIdleSeconds(-1).build() }
        await #expect(processExitsWith: .failure) { _ = BufferPool.builder().maxIdleSeconds(.nan).build() }
    }

    @Test("every allowed cache size works", arguments: [0, 1, 2, 13, 14, 100, 1000])
    func cacheSizes(size: Int) {
        let pool = BufferPool.builder().tlsCacheSize(size).tlsCacheByteCount(.max).build()
        for _ in 0..<2 {
            var leases: [LeaseBox] = []
            for _ in 0..<size + 5 { leases.append(LeaseBox(pool.get(4096))) }
            leases.removeAll()
        }
        let gets = pool.statistics().gets
        #expect(gets.cache + gets.shard + gets.fresh == 2 * (size + 5))
        if size > 1 { #expect(gets.cache >= size) } else { #expect(gets.cache <= size * 2) }
    }
}
