import ZeroPool
import ZeroPoolURing

/// How the ring gives memory back to the system.
///
/// After load, idle memory is in the pool, where a trim finds it, and in the buffer group: each provided buffer keeps
/// the arena mapped that it came from. Only the kernel takes buffers out of a group, and only for an operation, so
/// the ring submits operations for that (`ProvidedBufferRing.withdraw`). Receives stay armed meanwhile, because a
/// receive takes a buffer only when bytes arrive.
extension KernelRing {
    /// The withdrawal of the buffers that wait for bytes.
    struct Rest {
        /// Reads that have not completed.
        var withdrawalCount: Int
    }

    var isAboveRest: Bool { memory.mappedByteCount > restByteCount }

    func trim(olderThanSeconds seconds: Double) {
        let mappedByteCount = memory.mappedByteCount
        setup.pool.trim(olderThanSeconds: seconds)
        // Takes buffers from a registered arena before that arena is asked to go.
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
        // The buffer returns to the thread's cache.
        if case .some = buffers.take(completion) { trims.withdrawnBuffers += 1 }
        rest?.withdrawalCount -= 1
    }

    /// Replaces no buffer before all are withdrawn: the replacement would be one of the withdrawn buffers.
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

/// How many buffers should wait for bytes: as few as are enough.
///
/// The buffers of a long ring fall out of the processor's cache, and the buffers of a short ring stay in it. So the
/// ring starts short, doubles when a receive finds none, and halves when less than half of it was in use for a long
/// time.
struct BufferDemand {
    static let minimum = 16
    static let maximum = 256
    /// Turns of the loop between two checks.
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

    /// Notes that a receive found no buffer.
    mutating func starved() {
        leastAvailable = 0
    }

    /// Notes the end of a turn of the loop that left `available` buffers.
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
