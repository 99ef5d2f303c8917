/// What a shard counts, by class, under its lock.
///
/// Invariants: of a class, `carvedCount` buffers are carved from the shard's arenas, of which some are idle in it and the others
/// away; `takenCount - shardGetCount - freshGetCount` of those taken went into a thread's cache.
struct ShardCounters {
    /// How single buffers come to a shard; a thread's cache hands back what is too much in batches.
    enum Arrival {
        /// A lease ended where no cache takes its buffer.
        case lease
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
        case .outbox: self[shift: shift].outboxArrivalCount += 1
        }
    }

    /// `count` buffers of the class were taken by a get that `tier` served.
    @inline(__always)
    mutating func noteTaken(shift: Int, count: Int, tier: Shard.Tier, idle: borrowing IdleBuffers) {
        classes[shift - minimumShift].noteTaken(count: count, tier: tier, idleCount: idle.count(shift: shift))
        maxAwayByteCount = max(maxAwayByteCount, carvedByteCount - idle.byteCount)
    }

    /// Buffers of the class have become idle.
    @inline(__always)
    mutating func noteIdle(shift: Int, idle: borrowing IdleBuffers) {
        classes[shift - minimumShift].maxIdleCount = max(
            classes[shift - minimumShift].maxIdleCount, idle.count(shift: shift))
        maxIdleByteCount = max(maxIdleByteCount, idle.byteCount)
    }
}

extension ShardCounters.Class {
    @inline(__always)
    fileprivate mutating func noteTaken(count: Int, tier: Shard.Tier, idleCount: Int) {
        switch tier {
        case .shard: shardGetCount += 1
        case .fresh: freshGetCount += 1
        }
        takenCount += count
        maxAwayCount = max(maxAwayCount, carvedCount - idleCount)
    }
}
