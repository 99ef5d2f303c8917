import Glibc
import ZeroPool

/// Two bursts of blocks that are all held and touched, then given back: how much memory is resident at the peak, and how
/// much of it some seconds later.
///
/// A small allocation stays behind after every 64 blocks, as a connection's state would.
struct MemoryBurst {
    static let burstByteCount = 128 << 20
    /// The server's own, by `--trim-seconds`.
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
enum ProcessMemory {
    static var residentByteCount: Int {
        let text = FileSystem.contents(ofKernelFile: "/proc/self/statm") ?? ""
        let pages = text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        return pages * Int(getpagesize())
    }
}
