import Glibc
import Synchronization
import SystemSupport
import ZeroPool

/// Two bursts of blocks that are all held and touched, then given back: how much memory is resident at the peak, and how
/// much of it some seconds later.
///
/// A small allocation stays behind after every 64 blocks, as a connection's state would.
struct MemoryBurst {
    static let burstByteCount = 128 << 20
    /// The server's own, by `--trim-after`.
    static let trimSeconds = 2.0

    let blockByteCount: Int
    /// Nil for `malloc`.
    let pool: BufferPool?
    let idleSeconds: Double

    func run() -> [String: Double] {
        let before = ProcessMemory.residentByteCount
        var survivors: [HeldBlock] = []
        var peak = 0
        for _ in 0..<2 { peak = max(peak, burst(&survivors)) }
        idle()
        let after = ProcessMemory.residentByteCount
        withExtendedLifetime(survivors) {}
        return ["peakByteCount": Double(max(1, peak - before)), "afterByteCount": Double(max(1, after - before))]
    }

    /// - Returns: what is resident while all blocks are held.
    private func burst(_ survivors: inout [HeldBlock]) -> Int {
        var blocks: [HeldBlock] = []
        for index in 0..<Self.burstByteCount / blockByteCount {
            blocks.append(HeldBlock(blockByteCount, from: pool)!)
            if index % 64 == 63 { survivors.append(HeldBlock(1024, from: nil)!) }
        }
        return withExtendedLifetime(blocks) { ProcessMemory.residentByteCount }
    }

    /// Waits; a program with a pool trims from a timer, as the server's reactors do.
    private func idle() {
        let parent = getppid()
        let deadline = Clock.monotonicNanoseconds + UInt64(nanosecondsIn: idleSeconds)
        while Clock.monotonicNanoseconds < deadline, getppid() == parent {
            usleep(250_000)
            pool?.trim(olderThanSeconds: Self.trimSeconds)
        }
    }
}

/// What the kernel says of this process's memory.
private enum ProcessMemory {
    static var residentByteCount: Int {
        let text = FileSystem.contents(ofKernelFile: "/proc/self/statm") ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(getpagesize())
    }
}

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

/// A block of memory, every byte written, until the last reference ends.
@safe private final class HeldBlock {
    private let lease: PooledBuffer?
    // SAFETY: from `malloc`, freed once.
    private let block: UnsafeMutableRawPointer?

    /// - Parameter pool: nil for `malloc`.
    /// - Returns: nil when it is refused.
    init?(_ byteCount: Int, from pool: BufferPool?) {
        if let pool {
            guard let lease = pool.tryGet(byteCount) else { return nil }
            unsafe memset(lease.baseAddress, 1, byteCount)
            self.lease = consume lease
            unsafe block = nil
        } else {
            guard let block = unsafe Glibc.malloc(byteCount) else { return nil }
            unsafe memset(block, 1, byteCount)
            unsafe self.block = unsafe block
            lease = nil
        }
    }

    deinit { unsafe free(block) }
}
