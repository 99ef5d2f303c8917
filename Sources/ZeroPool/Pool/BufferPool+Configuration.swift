extension BufferPool {
    /// The configuration of a pool. `adapted()` fits the machine. Change single values, or use `BufferPool.builder()`.
    public struct Configuration: Sendable, Hashable {
        /// The smallest size class in bytes: a power of two from 4 KiB to 1 GiB. Smaller requests use it too.
        public var minBufferSize: Int
        /// Buffers per size class up to 16 MiB that a thread caches at most: 0 to 1,000.
        public var tlsCacheSize: Int
        /// Bytes per size class that a thread caches at most, though always two buffers: 2 MiB by default.
        ///
        /// So a thread caches `tlsCacheSize` small buffers, for which a lock would show, and only two large ones, which
        /// others would miss. The value is capped at a sixteenth of any byte limit of the pool.
        public var tlsCacheByteCount = 2 << 20
        /// Idle buffers per size class that a shard keeps at most: 0 or more.
        public var maxBuffersPerShard: Int
        /// The number of shards, each with a lock: a power of two from 1 to 128.
        public var numShards: Int
        /// Whether memory is locked, so that it is never swapped out (`mlock2`, each page from its first touch on).
        /// Where the system refuses, the pool works without, and `Statistics.pinning` says so.
        public var pinnedMemory: Bool
        /// Whether the pool asks for huge pages of 2 MiB (`MADV_HUGEPAGE`), or else asks for none.
        ///
        /// They cause far fewer page faults for large buffers, but the first byte touched may take 2 MiB of memory. No
        /// effect where the system has none (`/sys/kernel/mm/transparent_hugepage/enabled` says `never`).
        public var hugePages: Bool
        /// What a full shard evicts.
        public var evictionPolicy: EvictionPolicy
        /// Bytes of the pool's arenas at most. At the limit, the pool evicts idle memory of other classes. If that
        /// frees too little, `tryGet` returns nil, and `get` maps transient memory, which is not counted.
        ///
        /// Arenas count as a whole: 2 MiB, or the size of the class if it is larger. Shards that map arenas at the same
        /// moment may exceed the limit by those arenas.
        public var maxByteCount: Int
        /// Bytes that a shard maps at most, so that threads of one shard never take the memory that those of another
        /// need.
        ///
        /// At the limit, gets are served as at `maxByteCount`. Arenas count as a whole, including those that an
        /// observer still holds. Transient memory is not counted.
        public var maxByteCountPerShard: Int
        /// Bytes that all shards together keep idle at most. Each has an equal part.
        public var maxIdleByteCount: Int
        /// Seconds that memory may be idle before it goes back to the system: more than 0; `.infinity`, or more than
        /// 400 days, for never.
        ///
        /// An arena goes back when all of its buffers have been idle in the shard for this long. Buffers in a thread's
        /// cache that the thread did not use for this long go to the shard first. The pool looks for such memory when a
        /// thread returns buffers to a shard or finds none idle there, at most every quarter of the time. A thread or a
        /// shard that is never used keeps its memory; call `trim()` from a timer.
        public var maxIdleSeconds: Double
        /// Whether memory is overwritten with zeroes when it is returned, for secrets.
        ///
        /// The returning thread wipes it before any other user can get it, wherever it goes then. The end of a
        /// `DetachedBuffer` wipes too. The whole capacity is wiped, because a kernel or a C function may have written
        /// past `count`; pages that were never touched are touched then. Leases that have not ended when the process
        /// ends, and copies, are not wiped. `pinnedMemory` prevents swapping.
        ///
        /// Cost: gets stay as fast. Each return takes the slow path and writes the buffer; 64 KiB take about 0.7 µs in
        /// the processor's cache, and 1.6 µs in memory.
        public var wipesOnReturn = false
        /// Whether the pool looks for mistakes. For tests: it is many times slower, and has no thread caches. Such a
        /// pool
        ///
        /// - fills fresh leases with 0xCD and returned memory with 0xDB, up to the whole capacity, and traps at the
        ///   next use of memory that was written meanwhile;
        /// - traps when a lease is returned twice, which only unsafe code can do;
        /// - records where each lease was taken. `outstandingLeases()` lists those that have not ended, and `close()`
        ///   writes the list to standard error. The library writes there in this configuration only. A lease may
        ///   outlive its pool legitimately, and is listed all the same.
        ///
        /// A trap names the source line that took the lease. The pool keeps 64 bytes for each part of an arena that is
        /// gone, until the process ends.
        public var debugging = false

        /// A configuration for `processorCount` processors and for the memory that the process may use.
        ///
        /// `processorCount` is by default the number of processors that the process may use: its affinity and its
        /// control group's quota. There are 4 to 128 shards, for 1 to 128 and more processors. Idle memory is limited
        /// to an eighth of what the process may use. A shard keeps up to 1,024 buffers per class, so that it can serve
        /// bursts of that size. A thread caches up to 32 buffers and 2 MiB per class. Mapped memory has no limit.
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

/// What a shard evicts when it has as many idle buffers of a class, or as many idle bytes, as it may have.
///
/// The table has hit rates: the share of gets that found an idle buffer. They are from the traces of `EvictionTests`,
/// with one shard, 1 MiB of idle bytes, and no thread caches, which would serve many gets. The mixed sizes are random,
/// and their rows give the range over several seeds.
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
    /// The newcomer: last in, first out. It costs nothing, and keeps for ever what the shard holds.
    case lifo

    /// Cold buffers, so that classes in demand stay and others go. For programs whose demand changes.
    ///
    /// It follows CLOCK-Pro (S. Jiang, F. Chen, X. Zhang: CLOCK-Pro: An Effective Improvement of the CLOCK Replacement,
    /// USENIX ATC 2005). Buffers are hot or cold. A cold one becomes hot when it is requested again within a test
    /// period after its eviction. A clock hand makes hot buffers cold that are no longer used. It differs from
    /// CLOCK-Pro in this:
    ///
    /// - Pages are distinct, but buffers of a class are alike. A hit is a get that finds any idle buffer of its class.
    ///   What is remembered of evicted buffers is their number per class, up to the bytes that may be idle; the oldest
    ///   are forgotten first.
    /// - Buffers have sizes, and sizes compete by bytes.
    /// - A count of up to three accesses replaces the one bit, so that a quiet moment does not make a hot buffer cold.
    /// - New, cold buffers are evicted when everything is full, and come back hot if they are missed. So there is no
    ///   third hand, and no adaptive share of cold memory.
    ///
    /// Cost while there is room: a count and a second list more than `lifo`. Under pressure, a return to a shard looks
    /// at up to 64 more buffers, and takes one more step per 256 KiB of a buffer above 16 MiB. Buffers that a thread's
    /// cache serves are not counted, and cost nothing.
    case clockPro
}

extension BufferPool {
    /// A builder for a pool, which starts from a configuration adapted to the machine.
    ///
    /// ```swift
    /// let pool = BufferPool.builder().minBufferSize(64 * 1024).tlsCacheSize(8).build()
    /// ```
    public static func builder() -> Builder { Builder() }

    /// Sets single values of a `Configuration`; each call returns a changed copy.
    public struct Builder: Sendable {
        /// The configuration that `build()` uses.
        public private(set) var configuration = Configuration.adapted()

        /// The smallest size class in bytes: a power of two from 4 KiB to 1 GiB.
        public func minBufferSize(_ byteCount: Int) -> Builder { with { $0.minBufferSize = byteCount } }

        /// Buffers per size class that a thread caches at most: 0 to 1,000.
        public func tlsCacheSize(_ count: Int) -> Builder { with { $0.tlsCacheSize = count } }

        /// Bytes per size class that a thread caches at most, though always two buffers.
        public func tlsCacheByteCount(_ byteCount: Int) -> Builder { with { $0.tlsCacheByteCount = byteCount } }

        /// Idle buffers per size class that a shard keeps at most.
        public func maxBuffersPerShard(_ count: Int) -> Builder { with { $0.maxBuffersPerShard = count } }

        /// The number of shards, each with a lock: a power of two from 1 to 128.
        public func numShards(_ count: Int) -> Builder { with { $0.numShards = count } }

        /// Whether memory is locked, as far as the system allows.
        public func pinnedMemory(_ isPinned: Bool) -> Builder { with { $0.pinnedMemory = isPinned } }

        /// Whether the pool asks for huge pages.
        public func hugePages(_ isAdvised: Bool) -> Builder { with { $0.hugePages = isAdvised } }

        /// What a full shard evicts.
        public func evictionPolicy(_ policy: EvictionPolicy) -> Builder { with { $0.evictionPolicy = policy } }

        /// Bytes that the pool maps at most.
        public func maxByteCount(_ byteCount: Int) -> Builder { with { $0.maxByteCount = byteCount } }

        /// Bytes that a shard maps at most.
        public func maxByteCountPerShard(_ byteCount: Int) -> Builder { with { $0.maxByteCountPerShard = byteCount } }

        /// Bytes that all shards together keep idle at most.
        public func maxIdleByteCount(_ byteCount: Int) -> Builder { with { $0.maxIdleByteCount = byteCount } }

        /// Whether memory is overwritten with zeroes when it is returned.
        public func wipesOnReturn(_ isWiping: Bool = true) -> Builder { with { $0.wipesOnReturn = isWiping } }

        /// Seconds that memory may be idle before it goes back to the system; `.infinity` for never.
        public func maxIdleSeconds(_ seconds: Double) -> Builder { with { $0.maxIdleSeconds = seconds } }

        /// Whether the pool looks for mistakes.
        public func debugging(_ isDebugging: Bool = true) -> Builder { with { $0.debugging = isDebugging } }

        /// The pool. Traps when the configuration is impossible (`Configuration` gives the ranges).
        public func build() -> BufferPool { BufferPool(configuration) }

        private func with(_ change: (inout Configuration) -> Void) -> Builder {
            var copy = self
            change(&copy.configuration)
            return copy
        }
    }
}
