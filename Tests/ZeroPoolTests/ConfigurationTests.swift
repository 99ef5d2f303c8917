import Testing

@testable import ZeroPool

@Suite("Configuration")
struct ConfigurationTests {
    @Test(
        "adapts to the processors",
        arguments: [
            (1, 2, 4, 16), (2, 2, 4, 16), (4, 4, 4, 16), (8, 6, 8, 16), (16, 6, 8, 32), (32, 8, 16, 64),
            (64, 8, 32, 64), (128, 8, 64, 64), (256, 8, 128, 64), (1024, 8, 128, 64),
        ])
    func adapts(processors: Int, cacheSize: Int, shards: Int, buffers: Int) {
        let configuration = BufferPool.Configuration.adapted(processorCount: processors)
        #expect(configuration.tlsCacheSize == cacheSize)
        #expect(configuration.numShards == shards)
        #expect(configuration.maxBuffersPerShard == buffers)
    }

    @Test("is always possible, for any number of processors", arguments: [3, 5, 6, 7, 9, 12, 20, 24, 48, 96, 192])
    func isPossible(processors: Int) {
        let configuration = BufferPool.Configuration.adapted(processorCount: processors)
        configuration.check()
        #expect((2...8).contains(configuration.tlsCacheSize))
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
        let pool = BufferPool.builder().minBufferSize(65536).tlsCacheSize(14).maxBuffersPerShard(3).numShards(2)
            .pinnedMemory(true)
            .hugePages(false)
            .evictionPolicy(.lifo).maxByteCount(1 << 30).maxByteCountPerShard(1 << 29)
            .maxIdleByteCount(1 << 20)
            .maxIdleSeconds(2.5)
            .wipesOnReturn().build()
        #expect(
            pool.configuration
                == BufferPool.Configuration(
                    minBufferSize: 65536, tlsCacheSize: 14, maxBuffersPerShard: 3, numShards: 2, pinnedMemory: true,
                    hugePages: false,
                    evictionPolicy: .lifo, maxByteCount: 1 << 30, maxByteCountPerShard: 1 << 29,
                    maxIdleByteCount: 1 << 20, maxIdleSeconds: 2.5, wipesOnReturn: true))
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
        let pool = BufferPool.builder().tlsCacheSize(size).maxBuffersPerShard(2000).build()
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
