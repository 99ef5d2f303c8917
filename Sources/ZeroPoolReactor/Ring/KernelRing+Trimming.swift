import ZeroPool
import ZeroPoolURing

/// How the ring gives memory back to the system.
///
/// What load leaves behind waits in the pool, where a trim finds it, and in the kernel's hands: buffers that wait for bytes
/// stand in as many arenas as they came from, and keep each of them. They can't be taken back from where they were put, since only
/// the kernel takes buffers out of a group, for an operation; so operations are made for it (`ProvidedBufferRing.withdraw`).
/// Receives stay armed meanwhile: those have no buffer before bytes are there.
extension KernelRing {
    /// Buffers that waited for bytes are on their way back.
    struct Rest {
        /// Reads that have not completed.
        var withdrawalCount: Int
    }

    var isAboveRest: Bool { memory.mappedByteCount > restByteCount }

    func trim(olderThanSeconds seconds: Double) {
        let mappedByteCount = memory.mappedByteCount
        setup.pool.trim(olderThanSeconds: seconds)
        // Out of an arena that is registered, before that is asked to go.
        isPoolEmpty = buffers.refill() > 0
        ringPool.synchronize()
        trims.count += 1
        trims.byteCount += max(0, mappedByteCount - memory.mappedByteCount)
    }

    func beginRest() {
        guard rest == nil else { return }
        demand.value = BufferDemand(limit: demand.value.limit)
        buffers.targetCount = demand.value.target
        rest = Rest(withdrawalCount: buffers.withdraw(userData: KernelRing.userData(.withdrawal)))
    }

    func withdrawalCompleted(_ completion: Completion) {
        // Home into the thread's cache.
        if case .some = buffers.take(completion) { trims.withdrawnBuffers += 1 }
        rest?.withdrawalCount -= 1
    }

    /// No buffer takes the place of one that is withdrawn before all are: it would be one of those.
    @inline(never)
    func refillAtRest() {
        if rest?.withdrawalCount == 0 {
            rest = nil
            trim(olderThanSeconds: 0)
            if setup.mode == .malloc { AllocatedBuffers.trim() }
        } else if buffers.providedCount == 0 {
            isPoolEmpty = buffers.refill() > 0
        }
    }
}

/// How many buffers wait for bytes to be received into: few while few are enough.
///
/// Buffers that turn over through a long ring leave the processor's cache, and those of a short one stay. So it starts
/// short, doubles when a receive finds none, and halves when less than half of it was in use for a long time.
struct BufferDemand {
    static let minimum = 16
    static let maximum = 256
    /// Turns of the loop between two looks back.
    private static let turnsPerPeriod = 4096

    /// The most buffers that may wait. Less than the maximum where memory for a longer ring can't be locked.
    let limit: Int
    /// How many buffers should wait.
    private(set) var target = minimum
    private var leastAvailable = Int.max
    private var turnCount = 0

    init(limit: Int = maximum) {
        self.limit = limit
    }

    /// A receive found no buffer.
    mutating func starved() {
        leastAvailable = 0
    }

    /// One turn of the loop is over, in which buffers were used until `available` were left.
    mutating func turned(available: Int) {
        if leastAvailable == 0 {
            target = min(limit, target * 2)
            (leastAvailable, turnCount) = (.max, 0)
            return
        }
        leastAvailable = min(leastAvailable, available)
        turnCount += 1
        guard turnCount == BufferDemand.turnsPerPeriod else { return }
        if leastAvailable > target / 2 { target = max(BufferDemand.minimum, target / 2) }
        (leastAvailable, turnCount) = (.max, 0)
    }
}
