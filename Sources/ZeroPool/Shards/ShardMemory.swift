import Synchronization

/// How much memory a shard has from the system: tells a thread that has the shard to itself whether trimming could give
/// anything back.
package struct ShardMemory: Sendable {
    private let shard: Shard
    /// The shard does not keep it.
    private let core: PoolCore

    fileprivate init(shard: Shard, core: PoolCore) {
        self.shard = shard
        self.core = core
    }

    /// Bytes mapped now, in use or not. Any thread; one relaxed load.
    package var mappedByteCount: Int { shard.mappedByteCount.load(ordering: .relaxed) }
}

extension BufferPool {
    /// The memory of shard number `index`. Traps when there is no such shard.
    package func memory(ofShard index: Int) -> ShardMemory { ShardMemory(shard: core.shards[index], core: core) }
}
