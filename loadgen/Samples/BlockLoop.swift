import Glibc
import Synchronization
import ZeroPool

/// Gets a block and gives it back, again and again: what that costs in one thread.
///
/// The size comes from an atomic and the address goes to one, so that the compiler neither knows the one nor leaves out an
/// allocation that nobody uses.
struct BlockLoop {
    private final class Sink: Sendable {
        let byteCount: Atomic<Int>
        let address = Atomic<UInt>(0)
        init(byteCount: Int) { self.byteCount = Atomic(byteCount) }
    }

    private let sink: Sink
    private let pool: BufferPool?
    /// Writes a byte into each page.
    private let touches: Bool

    /// - Parameter pool: nil for `malloc`, whichever that is in this process.
    init(byteCount: Int, pool: BufferPool?, touches: Bool) {
        sink = Sink(byteCount: byteCount)
        self.pool = pool
        self.touches = touches
    }

    /// - Returns: nanoseconds of CPU time per get and return, after as long a warm-up. In the warm-up an allocator may learn.
    func nanosecondsPerPair(seconds: Double) -> Double {
        _ = repeatUntil(seconds: seconds)
        return repeatUntil(seconds: seconds)
    }

    private func repeatUntil(seconds: Double) -> Double {
        let span = UInt64(nanosecondsIn: seconds)
        let start = Clock.ownProcessorNanoseconds
        var pairCount = 0
        var batch = 1
        while true {
            if let pool { fromPool(pool, batch) } else { fromMalloc(batch) }
            pairCount += batch
            let elapsed = Clock.ownProcessorNanoseconds - start
            if elapsed >= span { return Double(elapsed) / Double(pairCount) }
            // Reading the clock must not show; slow pairs must not run on for long.
            if elapsed < span / 8 { batch *= 2 }
        }
    }

    @inline(never)
    private func fromPool(_ pool: BufferPool, _ count: Int) {
        for _ in 0..<count {
            let byteCount = sink.byteCount.load(ordering: .relaxed)
            let buffer = pool.get(byteCount)
            unsafe use(buffer.baseAddress, byteCount)
        }
    }

    @inline(never)
    private func fromMalloc(_ count: Int) {
        for _ in 0..<count {
            let byteCount = sink.byteCount.load(ordering: .relaxed)
            let block = unsafe Glibc.malloc(byteCount)!
            unsafe use(block, byteCount)
            unsafe free(block)
        }
    }

    @inline(__always)
    private func use(_ base: UnsafeMutableRawPointer, _ byteCount: Int) {
        if touches {
            for offset in stride(from: 0, to: byteCount, by: 4096) {
                unsafe base.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
            }
        }
        // Released, so that what was written counts as seen.
        sink.address.store(UInt(bitPattern: base), ordering: .releasing)
    }
}
