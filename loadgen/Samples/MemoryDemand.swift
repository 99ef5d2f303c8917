import SystemSupport
import Glibc
import Synchronization
import ZeroPool

/// Four threads that want four times as much memory together as they may have: whether a byte limit holds.
struct MemoryDemand {
    private static let threadCount = 4
    private static let blockByteCount = 1 << 20

    let limitByteCount: Int
    /// False for `malloc`, which has no limit.
    let isPooled: Bool

    func run() -> [String: Double] {
        let before = ProcessMemory.residentByteCount
        let pool = isPooled ? BufferPool.builder().maxByteCount(limitByteCount).build() : nil
        let blockCount = limitByteCount / Self.blockByteCount
        let resident = Mutex(0)
        let refused = Atomic(0)
        let filled = Latch<Never>(count: Self.threadCount)
        let measured = Latch<Never>(count: Self.threadCount)
        let threads = (0..<Self.threadCount).map { index in
            try! SystemThread {
                let holders = (0..<blockCount).compactMap { _ in HeldBlock(Self.blockByteCount, from: pool) }
                refused.add(blockCount - holders.count, ordering: .relaxed)
                filled.arriveAndWait()
                if index == 0 { resident.withLock { $0 = ProcessMemory.residentByteCount } }
                measured.arriveAndWait()
                withExtendedLifetime(holders) {}
            }
        }
        for thread in threads { thread.join() }
        let mapped = pool?.statistics().highWater.mappedByteCount ?? 0
        return [
            "residentByteCount": Double(max(1, resident.withLock { $0 } - before)),
            "mappedByteCount": Double(mapped),
            "refusedCount": Double(refused.load(ordering: .relaxed)),
            "askedByteCount": Double(Self.threadCount * blockCount * Self.blockByteCount),
        ]
    }
}
