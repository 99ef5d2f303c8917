extension BufferPool {
    /// How a pool is sized. `adapted()` fits the machine; change single values, or use `BufferPool.builder()`.
    public struct Configuration: Sendable, Hashable {
        /// The smallest size class in bytes: a power of two from 4 KiB to 1 GiB. Smaller requests take it too.
        public var minBufferSize: Int
        /// As many buffers of each class up to 16 MiB as a thread keeps to itself at most: 0 to 1,000.
        public var tlsCacheSize: Int
        /// As many bytes of each class as a thread keeps to itself, though two buffers in any case: by default 2 MiB.
        ///
        /// So a thread keeps `tlsCacheSize` of the small classes, where a lock would show, and two of the large ones, where
        /// it does not and where they would be missed elsewhere. For the same reason it is never more than a sixteenth of
        /// any byte limit of the pool.
        public var tlsCacheByteCount = 2 << 20
        /// As many idle buffers of each class as a shard keeps: 0 or more.
        public var maxBuffersPerShard: Int
        /// Parts of the pool with a lock each: a power of two from 1 to 128.
        public var numShards: Int
        /// Whether memory is locked (`mlock2`, each page from its first touch on), so that it is never swapped out. Best
        /// effort: where the system refuses, the pool works all the same, and `Statistics.pinning` says so.
        public var pinnedMemory: Bool
        /// Whether arenas are advised to huge pages of 2 MiB (`MADV_HUGEPAGE`): far fewer page faults for large buffers, at
        /// the price of up to 2 MiB in memory for the first byte touched. When false they are advised against them.
        /// Without effect where the system has none (`/sys/kernel/mm/transparent_hugepage/enabled` says `never`).
        public var hugePages: Bool
        /// What leaves when a shard is full.
        public var evictionPolicy: EvictionPolicy
        /// As many bytes as the pool's arenas have at most; past that, when no idle memory of other classes makes room, `tryGet`
        /// returns nil and `get` hands out transient memory, which comes on top. Arenas count whole (2 MiB, or the class when that is larger); shards that each map one at
        /// the same moment may overshoot by those.
        public var maxByteCount: Int
        /// As many bytes as a shard maps at most: what threads of one shard hold is then never what those of another need.
        ///
        /// Past it a get is served as past `maxByteCount`. It counts the shard's arenas whole, those included that an
        /// observer has not let go of yet; transient memory does not count.
        public var maxByteCountPerShard: Int
        /// As many bytes as the shards keep idle, all together; each has its equal part.
        public var maxIdleByteCount: Int
        /// As many seconds as memory is idle before it goes back to the system: more than 0, `.infinity` for never (as is all
        /// past 400 days).
        ///
        /// An arena goes when all that was carved from it is idle in the shard, and nothing of it was used for so long; what
        /// a thread caches goes home when the thread did not use it for so long. It is looked at where a thread gives back
        /// to a shard or finds nothing idle there, every quarter of the time at most. A thread that never does keeps its cache, and a shard that no thread
        /// comes by keeps all: `trim()` from a timer is for those.
        public var maxIdleSeconds: Double
        /// Whether memory is overwritten with zeroes when it is returned, for secrets.
        ///
        /// It is wiped before anybody else can get it, on the thread that returns it, wherever it then goes: a thread's
        /// cache, another shard, a full shard's arena, or the system; the end of a `DetachedBuffer` wipes too. Always the
        /// whole capacity: what a kernel or a C function wrote past `count` is as secret, and the pool did not see it. So
        /// pages that a lease never touched are touched then. Not wiped are leases that have not ended when the
        /// process does, and copies that others made; against swapping there is `pinnedMemory`.
        ///
        /// Cost: gets stay as fast, and each return takes the slow path and writes the buffer: 64 KiB take about
        /// 0.7 µs in the processor's cache, 1.6 µs in memory.
        public var wipesOnReturn = false
        /// Whether the pool looks for mistakes: for tests and hunts, many times slower.
        ///
        /// Such a pool has no thread caches, so that it sees each get and return. It
        /// - fills fresh leases with 0xCD and returned memory with 0xDB, preallocated memory too, the whole capacity, and traps at
        ///   the memory's next use when somebody wrote to it meanwhile;
        /// - traps when a lease is returned twice, which only unsafe code can;
        /// - notes where each lease was taken: `outstandingLeases()` tells what is out, and `close()` writes that to standard
        ///   error. A lease may outlive its pool by right; it is in that report all the same. The library writes there in
        ///   this configuration alone.
        ///
        /// Traps say by which line the lease was taken. It keeps 64 bytes for each part of an arena that is gone, to the
        /// process's end.
        public var debugging = false

        /// Adapted to `processorCount` processors and to what memory the process may use.
        ///
        /// By default to the processors that the process may run on: its affinity and its control group's quota. From
        /// 1 processor to 128 and more 4 to 128 shards. Idle memory is limited to an eighth of what the process may use, not
        /// by its buffers' number: a shard keeps up to 1,024 of a class, so that bursts of so many are served from
        /// what is idle. A thread keeps up to 32 buffers of a class, and 2 MiB of it. Mapped memory is limited neither
        /// in all nor a shard.
        public static func adapted(processorCount: Int = ProcessBudget.processorCount) -> Configuration {
            precondition(processorCount > 0, "a process runs on at least one processor")
            let shardCount =
                switch processorCount {
                case ...4: 4
                case ...16: 8
                default: min(128, powerOfTwo(atLeast: processorCount / 2))
                }
            return Configuration(
                minBufferSize: 1 << SizeClass.minimumShift, tlsCacheSize: 32,
                maxBuffersPerShard: 1024, numShards: shardCount, pinnedMemory: false, hugePages: true,
                evictionPolicy: .lifo, maxByteCount: .max, maxByteCountPerShard: .max,
                maxIdleByteCount: ProcessBudget.memoryByteCount / 8, maxIdleSeconds: 10)
        }

        private static func powerOfTwo(atLeast value: Int) -> Int {
            1 << (Int.bitWidth - (value - 1).leadingZeroBitCount)
        }

        var minimumShift: Int { minBufferSize.trailingZeroBitCount }
        var classCount: Int { SizeClass.maximumShift - minimumShift + 1 }
        var cachedShifts: Range<Int> {
            let end = tlsCacheSize > 0 && !debugging ? SizeClass.maximumCachedShift + 1 : minimumShift
            return minimumShift..<max(minimumShift, end)
        }
        /// As many buffers of the class of `shift` as a thread keeps to itself.
        func cacheCapacity(shift: Int) -> Int {
            guard cachedShifts.contains(shift) else { return 0 }
            let byteCount = min(
                tlsCacheByteCount, maxByteCount / 16, maxByteCountPerShard / 16, maxIdleByteCount / 16)
            return min(tlsCacheSize, max(2, byteCount >> shift))
        }
        var idleByteLimitPerShard: Int { maxIdleByteCount / numShards }

        /// Traps when a pool can't be so.
        func check() {
            precondition(
                minBufferSize.nonzeroBitCount == 1
                    && (SizeClass.minimumShift...SizeClass.maximumShift).contains(minimumShift),
                "minBufferSize is a power of two from 4096 to 1073741824, not \(minBufferSize)")
            precondition((0...1000).contains(tlsCacheSize), "tlsCacheSize is 0 to 1000, not \(tlsCacheSize)")
            precondition(maxBuffersPerShard >= 0, "maxBuffersPerShard is not negative")
            precondition(
                numShards.nonzeroBitCount == 1 && (1...128).contains(numShards),
                "numShards is a power of two from 1 to 128, not \(numShards)")
            precondition(
                tlsCacheByteCount >= 0 && maxByteCount >= 0 && maxByteCountPerShard >= 0 && maxIdleByteCount >= 0,
                "byte limits are not negative")
            precondition(maxIdleSeconds > 0, "maxIdleSeconds is more than 0, not \(maxIdleSeconds)")
        }
    }
}

/// What leaves when a shard holds as many idle buffers of a class, or as many idle bytes, as it may.
///
/// Hit rates (gets that found an idle buffer, of all), by the traces of `EvictionTests`: one shard and 1 MiB of idle bytes; without
/// thread caches, which hide much: with caches of 4 the first row is 35.3 and 89.6 %, and both mixes come within a point or
/// two. The mixes are random; the rows give what several seeds gave.
///
/// | trace | `lifo` | `clockPro` |
/// | --- | --- | --- |
/// | 100 bursts of 16 × 64 KiB, then of 64 × 16 KiB, then of 4 × 256 KiB | 18.8 % | 88.8 % |
/// | two buffers of 512 KiB once, then 300 bursts of 16 × 64 KiB | 0 % | 99.2 % |
/// | 300 bursts of 16 × 64 KiB, 10 with a scan of 256 KiB to 1 MiB that comes home first | 26.3 % | 89.9 % |
/// | mixed sizes, around a middle that moves ten times | 58–64 % | 71–73 % |
/// | mixed sizes, the same all the time | 84–86 % | 84–86 %, half a point less at most |
/// | three classes in turn, each of which needs all idle bytes | 18.9 % | 18.9 % |
/// | a hot set that fits, and scans that come home after it | 96.2 % | 96.2 % |
/// | only the count of a class is limited | the same | the same |
public enum EvictionPolicy: Sendable, Hashable {
    /// The newcomer: last in, first out. It costs nothing, and keeps what the shard warmed up to, for ever.
    case lifo

    /// What is cold, so that classes in demand survive those that are not: for programs whose demand changes.
    ///
    /// After CLOCK-Pro (S. Jiang, F. Chen, X. Zhang: CLOCK-Pro: An Effective Improvement of the CLOCK Replacement, USENIX
    /// ATC 2005). As there, what is hot is told from what is cold; something cold becomes hot when it is asked for again
    /// within a test period after its eviction; and a hand takes from the hot what they do not regain by use. Other than there:
    /// - Pages are themselves, buffers of a class are all alike. So a hit is a get that finds any idle buffer of its class,
    ///   and what is remembered of the evicted is their number a class, up to the bytes that may be idle; the longest evicted
    ///   are forgotten first. Among buffers of one class there is nothing to choose.
    /// - Buffers have sizes, and sizes compete by bytes.
    /// - A count of up to three accesses stands in for the one bit, so that one quiet time does not make the hot cold.
    /// - What is new and cold leaves when all is full, and comes back hot if it was missed; hence no third hand, and no share of
    ///   cold memory that adapts itself.
    ///
    /// Costs a count and a second list more than `lifo` while there is room; under pressure a return to a shard takes a bounded
    /// number of steps more: 64 buffers, and for buffers above 16 MiB one for each 256 KiB of them. It counts what passes through a
    /// shard; what a thread's cache serves to its own thread is not counted, and costs nothing.
    case clockPro
}

extension BufferPool {
    /// A pool in steps, from a configuration adapted to the machine.
    ///
    /// ```swift
    /// let pool = BufferPool.builder().minBufferSize(64 * 1024).tlsCacheSize(8).build()
    /// ```
    public static func builder() -> Builder { Builder() }

    /// Sets single values of a `Configuration`; each call returns a changed copy.
    public struct Builder: Sendable {
        /// What `build()` makes a pool of.
        public private(set) var configuration = Configuration.adapted()

        /// The smallest size class in bytes: a power of two from 4 KiB to 1 GiB.
        public func minBufferSize(_ byteCount: Int) -> Builder { with { $0.minBufferSize = byteCount } }

        /// As many buffers of each class as a thread keeps to itself at most: 0 to 1,000.
        public func tlsCacheSize(_ count: Int) -> Builder { with { $0.tlsCacheSize = count } }

        /// As many bytes of each class as a thread keeps to itself, though two buffers in any case.
        public func tlsCacheByteCount(_ byteCount: Int) -> Builder { with { $0.tlsCacheByteCount = byteCount } }

        /// As many idle buffers of each class as a shard keeps.
        public func maxBuffersPerShard(_ count: Int) -> Builder { with { $0.maxBuffersPerShard = count } }

        /// Parts of the pool with a lock each: a power of two from 1 to 128.
        public func numShards(_ count: Int) -> Builder { with { $0.numShards = count } }

        /// Whether memory is locked, best effort.
        public func pinnedMemory(_ isPinned: Bool) -> Builder { with { $0.pinnedMemory = isPinned } }

        /// Whether memory is advised to huge pages, or against them.
        public func hugePages(_ isAdvised: Bool) -> Builder { with { $0.hugePages = isAdvised } }

        /// What leaves when a shard is full.
        public func evictionPolicy(_ policy: EvictionPolicy) -> Builder { with { $0.evictionPolicy = policy } }

        /// As many bytes as the pool maps at most.
        public func maxByteCount(_ byteCount: Int) -> Builder { with { $0.maxByteCount = byteCount } }

        /// As many bytes as a shard maps at most.
        public func maxByteCountPerShard(_ byteCount: Int) -> Builder { with { $0.maxByteCountPerShard = byteCount } }

        /// As many bytes as the shards keep idle, all together.
        public func maxIdleByteCount(_ byteCount: Int) -> Builder { with { $0.maxIdleByteCount = byteCount } }

        /// Whether memory is overwritten with zeroes when it is returned.
        public func wipesOnReturn(_ isWiping: Bool = true) -> Builder { with { $0.wipesOnReturn = isWiping } }

        /// As many seconds as memory stays idle before it goes back to the system; `.infinity` for never.
        public func maxIdleSeconds(_ seconds: Double) -> Builder { with { $0.maxIdleSeconds = seconds } }

        /// Whether the pool looks for mistakes in the use of leases.
        public func debugging(_ isDebugging: Bool = true) -> Builder { with { $0.debugging = isDebugging } }

        /// The pool. Traps when the configuration is impossible (`Configuration` says what is possible).
        public func build() -> BufferPool { BufferPool(configuration) }

        private func with(_ change: (inout Configuration) -> Void) -> Builder {
            var copy = self
            change(&copy.configuration)
            return copy
        }
    }
}
