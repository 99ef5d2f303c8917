/// What a shard counts, by class, under its lock.
///
/// Invariants: of a class, `carvedCount` buffers are carved from the shard's arenas, of which some are idle in it and the others
/// away; `takenCount - shardGetCount - freshGetCount` of those taken went into a thread's cache.
struct ShardCounters {
    /// How buffers come to a shard.
    enum Arrival {
        /// A lease ended where no cache takes its buffer.
        case lease
        /// A thread's cache hands back what is too much.
        case cache
        /// Of leases that ended on threads of other shards.
        case outbox
    }

    struct Class {
        var shardGetCount = 0
        var freshGetCount = 0
        /// Buffers that gets took, with the rest of their batches.
        var takenCount = 0
        var leaseArrivalCount = 0
        var cacheArrivalCount = 0
        var outboxArrivalCount = 0
        var detachedEndCount = 0
        var evictionCount = 0
        var carvedCount = 0
        var maxIdleCount = 0
        var maxAwayCount = 0
    }

    private let minimumShift: Int
    private(set) var classes: [Class]
    private(set) var carvedCount = 0
    private(set) var carvedByteCount = 0
    private(set) var maxIdleByteCount = 0
    private(set) var maxAwayByteCount = 0

    init(_ configuration: BufferPool.Configuration) {
        minimumShift = configuration.minimumShift
        classes = Array(repeating: Class(), count: configuration.classCount)
    }

    /// The counts of the class of `shift`.
    subscript(shift shift: Int) -> Class {
        get { classes[shift - minimumShift] }
        set { classes[shift - minimumShift] = newValue }
        _modify { yield &classes[shift - minimumShift] }
    }

    mutating func noteCarved(shift: Int) {
        self[shift: shift].carvedCount += 1
        carvedCount += 1
        carvedByteCount += 1 << shift
    }

    mutating func noteUncarved(shift: Int) {
        self[shift: shift].carvedCount -= 1
        carvedCount -= 1
        carvedByteCount -= 1 << shift
    }

    mutating func noteArrival(shift: Int, _ arrival: Arrival) {
        switch arrival {
        case .lease: self[shift: shift].leaseArrivalCount += 1
        case .cache: self[shift: shift].cacheArrivalCount += 1
        case .outbox: self[shift: shift].outboxArrivalCount += 1
        }
    }

    /// `count` buffers of the class were taken by a get that `tier` served.
    mutating func noteTaken(shift: Int, count: Int, tier: Shard.Tier, idle: borrowing IdleBuffers) {
        switch tier {
        case .shard: self[shift: shift].shardGetCount += 1
        case .fresh: self[shift: shift].freshGetCount += 1
        }
        self[shift: shift].takenCount += count
        self[shift: shift].maxAwayCount = max(
            self[shift: shift].maxAwayCount, self[shift: shift].carvedCount - idle.count(shift: shift))
        maxAwayByteCount = max(maxAwayByteCount, carvedByteCount - idle.byteCount)
    }

    /// Buffers of the class have become idle.
    mutating func noteIdle(shift: Int, idle: borrowing IdleBuffers) {
        self[shift: shift].maxIdleCount = max(self[shift: shift].maxIdleCount, idle.count(shift: shift))
        maxIdleByteCount = max(maxIdleByteCount, idle.byteCount)
    }
}
