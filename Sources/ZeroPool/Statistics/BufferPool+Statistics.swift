extension BufferPool {
    /// What a pool has done since it was made, and what it holds now, by size class and in total.
    ///
    /// Two equations hold for each class when no other thread uses the pool:
    ///
    /// - `gets.served == returns.total + outCount`: each lease is out, or came back in one of the ways of `Returns`;
    /// - each buffer of an arena is out, in a thread's cache, or idle in a shard. Transient memory is not in an arena.
    ///
    /// While other threads use the pool, the figures are of slightly different moments. A counter may then even be a
    /// little lower than before.
    ///
    /// The JSON has a key per stored property and per sum over the classes, named like the property, and none for nil.
    /// It has no derived values (`served`, `total`, the bytes of a class). A decoder takes the sums from `classes`.
    /// Keys are only ever added.
    public struct Statistics: Sendable, Hashable {
        /// The size classes that were requested, in order of size. The last one has a nil `bufferByteCount` if sizes
        /// above 1 GiB were requested, which have no class.
        public var classes: [ClassStatistics] = []
        /// Bytes mapped, in arenas and transient memory. Arenas count whole, since a class may share one with others.
        public var mappedByteCount = 0
        /// How much of the mapped memory is locked.
        public var pinning = Pinning()
        /// The most that the pool held at once.
        public var highWater = HighWaterMarks()

        /// Nothing done, nothing held.
        public init() {}

        // MARK: Sums over the classes

        /// Gets by where they were served.
        public var gets: Gets { classes.reduce(into: Gets()) { $0.add($1.gets) } }
        /// Returns by where they went.
        public var returns: Returns { classes.reduce(into: Returns()) { $0.add($1.returns) } }
        /// Buffers that a full shard evicted or refused, and that went back to their arena.
        public var evictionCount: Int { sum(\.evictionCount) }
        /// Buffers that a batch moved from a shard to a thread's cache, in addition to the one requested.
        public var cacheRefillCount: Int { sum(\.cacheRefillCount) }
        /// Buffers that a cache returned to its shard because it was full, ended or moved.
        public var cacheSpillCount: Int { sum(\.cacheSpillCount) }
        /// Buffers in use: leased, or detached and not ended, including transient ones.
        public var outCount: Int { sum(\.outCount) }
        /// Bytes of the buffers in use, each with its whole capacity.
        public var outByteCount: Int { sum(\.outByteCount) }
        /// Buffers in thread caches, including those on their way to another shard.
        public var cachedCount: Int { sum(\.cachedCount) }
        /// Bytes of the buffers in thread caches.
        public var cachedByteCount: Int { sum(\.cachedByteCount) }
        /// Buffers idle in the shards.
        public var idleCount: Int { sum(\.idleCount) }
        /// Bytes of the buffers idle in the shards, without those in thread caches.
        public var idleByteCount: Int { sum(\.idleByteCount) }
        /// Transient buffers in use.
        public var transientCount: Int { sum(\.transientCount) }
        /// Bytes of the transient buffers in use: whole huge pages, mapped for one lease each.
        public var transientByteCount: Int { sum(\.transientByteCount) }

        private func sum(_ value: (ClassStatistics) -> Int) -> Int { classes.reduce(0) { $0 + value($1) } }

        /// The difference to `earlier` statistics of the same pool: gets, returns, evictions, refills and spills. Bytes
        /// and buffers held, and the high-water marks, are the current ones.
        public func since(_ earlier: Statistics) -> Statistics {
            var difference = self
            for index in classes.indices {
                let byteCount = classes[index].bufferByteCount
                guard let before = earlier.classes.first(where: { $0.bufferByteCount == byteCount }) else { continue }
                difference.classes[index].subtractCounters(of: before)
            }
            return difference
        }
    }
}

extension BufferPool.Statistics {
    /// Gets by where they were served, in the class of the buffer that served them. That may be the class above the
    /// requested one.
    public struct Gets: Sendable, Hashable, Codable {
        /// From the calling thread's cache.
        public var cache = 0
        /// From a shard's idle buffers.
        public var shard = 0
        /// Carved anew from an arena.
        public var fresh = 0
        /// Past the limits, with memory that is freed on return.
        public var transient = 0
        /// Not at all: `tryGet` returned nil.
        public var refused = 0

        /// None yet.
        public init() {}

        /// Gets that returned a lease.
        public var served: Int { cache + shard + fresh + transient }

        mutating func add(_ other: Gets, times sign: Int = 1) {
            cache += sign * other.cache
            shard += sign * other.shard
            fresh += sign * other.fresh
            transient += sign * other.transient
            refused += sign * other.refused
        }
    }

    /// Returns by where the buffer went first.
    public struct Returns: Sendable, Hashable, Codable {
        /// Into the cache of the thread that ended the lease.
        public var cache = 0
        /// To its shard at once: of a class above 16 MiB, by a thread or of a pool without cache, or after `close()`.
        public var home = 0
        /// To its shard with others, since the thread that ended the lease is bound to another shard.
        public var foreign = 0
        /// To the system: transient memory.
        public var transient = 0
        /// Into its arena or to the system, never to be handed out again: the owner of a detached buffer ended.
        public var detached = 0

        /// None yet.
        public init() {}

        /// All returns.
        public var total: Int { cache + home + foreign + transient + detached }

        mutating func add(_ other: Returns, times sign: Int = 1) {
            cache += sign * other.cache
            home += sign * other.home
            foreign += sign * other.foreign
            transient += sign * other.transient
            detached += sign * other.detached
        }
    }

    /// The most that a pool held at once, in bytes. Costs nothing on the hot paths.
    public struct HighWaterMarks: Sendable, Hashable, Codable {
        /// Bytes mapped: looked at whenever memory is mapped, so exact.
        public var mappedByteCount = 0
        /// Bytes idle in the shards: looked at whenever buffers come home. The sum of what each shard had at most; exact with
        /// one shard, and never less than the truth with several, which need not have had it at the same time.
        public var idleByteCount = 0
        /// Bytes away from the shards, so out or in a thread's cache, without transient memory: looked at whenever
        /// a batch leaves a shard. Also the sum over the shards.
        public var awayByteCount = 0

        /// Nothing yet.
        public init() {}
    }
}

extension BufferPool {
    /// What a pool has done with the buffers of one size class, and where they are.
    public struct ClassStatistics: Sendable, Hashable, Codable {
        /// Bytes per buffer; nil for sizes above 1 GiB, which are transient or refused.
        public var bufferByteCount: Int?
        /// Gets by where they were served.
        public var gets = Statistics.Gets()
        /// Returns by where they went.
        public var returns = Statistics.Returns()
        /// Buffers that went back to their arena: evicted or refused by a full shard, or evicted for another class at a
        /// byte limit.
        public var evictionCount = 0
        /// Buffers that a batch moved from a shard to a thread's cache, in addition to the one requested.
        public var cacheRefillCount = 0
        /// Buffers that a cache returned to its shard because it was full, ended or moved.
        public var cacheSpillCount = 0
        /// Buffers in use: leased, or detached and not ended, including transient ones.
        public var outCount = 0
        /// Buffers in thread caches, including those on their way to another shard.
        public var cachedCount = 0
        /// Buffers idle in the shards.
        public var idleCount = 0
        /// Transient buffers in use.
        public var transientCount = 0
        /// Bytes of the transient buffers in use: whole huge pages, mapped for one lease each.
        public var transientByteCount = 0
        /// The most idle buffers at once, taken like `Statistics.HighWaterMarks.idleByteCount`.
        public var maxIdleCount = 0
        /// The most buffers in use or in thread caches at once, without transient ones, taken like
        /// `Statistics.HighWaterMarks.awayByteCount`.
        public var maxAwayCount = 0

        /// Nothing done, nothing held.
        public init(bufferByteCount: Int?) { self.bufferByteCount = bufferByteCount }

        /// Bytes in use, each buffer with its whole capacity.
        public var outByteCount: Int { (outCount - transientCount) * (bufferByteCount ?? 0) + transientByteCount }
        /// Bytes in thread caches.
        public var cachedByteCount: Int { cachedCount * (bufferByteCount ?? 0) }
        /// Bytes idle in the shards.
        public var idleByteCount: Int { idleCount * (bufferByteCount ?? 0) }

        fileprivate mutating func subtractCounters(of earlier: ClassStatistics) {
            gets.add(earlier.gets, times: -1)
            returns.add(earlier.returns, times: -1)
            evictionCount -= earlier.evictionCount
            cacheRefillCount -= earlier.cacheRefillCount
            cacheSpillCount -= earlier.cacheSpillCount
        }
    }
}
