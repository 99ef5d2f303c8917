import SystemSupport
import Glibc
import ZeroPool
import ZeroPoolURing

/// Reads of a file past the page cache (`O_DIRECT`) at a queue depth of 64, each into a block of its own that is given back
/// afterwards: CPU time per read.
struct DirectReads {
    private static let depth = 64

    let path: String
    let blockByteCount: Int
    let contender: Contender
    let seconds: Double

    func run() throws -> [String: Double] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | Self.directFlag)
        guard descriptor >= 0 else { throw SystemError("\(path) past the page cache") }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_size >= blockByteCount else {
            throw SystemError("\(path) is too small", errno: EINVAL)
        }
        let meter = Meter(
            blockByteCount: blockByteCount, blockCount: Int(status.st_size) / blockByteCount, seconds: seconds)
        return try Reader(file: .file(descriptor), contender: contender, meter: meter).run()
    }

    #if arch(arm64)
        private static let directFlag: Int32 = 0o200000
    #else
        private static let directFlag: Int32 = 0o40000
    #endif

    /// The loop: each read that completes is followed by another.
    private final class Reader {
        private let file: IODescriptor
        private let contender: Contender
        private let ring: Ring
        private let pool: BufferPool
        private let ringPool: RingPool
        private var meter: Meter
        private var inFlightCount = 0

        init(file: IODescriptor, contender: Contender, meter: Meter) throws {
            self.file = file
            self.contender = contender
            self.meter = meter
            ring = try Ring()
            pool = BufferPool()
            pool.bindCurrentThread(toShard: 0)
            ringPool = try RingPool(
                ring: ring, pool: pool, shard: 0, registersBuffers: contender == .registered)
        }

        func run() throws -> [String: Double] {
            for _ in 0..<depth { start() }
            while inFlightCount > 0 {
                ringPool.synchronize()
                try ring.submitAndWait()
                ring.forEachCompletion { finish($0) }
            }
            let fixedCount = ringPool.registrations.fixedOperationCount
            ringPool.close()
            var values = try meter.values()
            values["fixedShare"] = Double(fixedCount) / Double(max(1, meter.allCount))
            return values
        }

        private func start() {
            inFlightCount += 1
            let byteCount = meter.blockByteCount
            if contender.usesPool {
                ringPool.read(
                    into: pool.get(byteCount), byteCount: byteCount, from: file, offset: meter.nextOffset(), context: 0)
                return
            }
            var base: UnsafeMutableRawPointer?
            precondition(unsafe posix_memalign(&base, 4096, byteCount) == 0, "there is no memory")
            // SAFETY: the block is freed when its read has completed.
            unsafe ring.read(
                from: file, into: UnsafeMutableRawBufferPointer(start: base, count: byteCount),
                offset: meter.nextOffset(), userData: UInt64(UInt(bitPattern: base)))
        }

        private func finish(_ completion: Completion) {
            inFlightCount -= 1
            if contender.usesPool {
                // Ends the lease.
                _ = ringPool.complete(completion)
            } else {
                unsafe free(UnsafeMutableRawPointer(bitPattern: UInt(completion.userData)))
            }
            meter.count(completion.result)
            if !meter.isOver { start() }
        }
    }

    /// Which block is next, and what the measured part took: it begins after a fifth of the time.
    private struct Meter {
        let blockByteCount: Int
        let blockCount: Int
        private var generator = SplitMix64(seed: 7)
        private let begin: UInt64
        private let end: UInt64
        private var firstProcessorNanoseconds: UInt64?
        private var lastProcessorNanoseconds: UInt64 = 0
        private var readCount = 0
        private(set) var allCount = 0
        private var failure: Int32 = 0
        private(set) var isOver = false

        init(blockByteCount: Int, blockCount: Int, seconds: Double) {
            self.blockByteCount = blockByteCount
            self.blockCount = blockCount
            begin = Clock.monotonicNanoseconds + UInt64(nanosecondsIn: seconds / 5)
            end = begin + UInt64(nanosecondsIn: seconds)
        }

        mutating func nextOffset() -> Int64 {
            Int64(Int.random(in: 0..<blockCount, using: &generator) * blockByteCount)
        }

        mutating func count(_ result: Int32) {
            allCount += 1
            if result != blockByteCount { failure = result < 0 ? -result : EIO }
            if failure != 0 { isOver = true }
            // A clock per 32 reads.
            guard allCount % 32 == 0, !isOver else { return }
            let now = Clock.monotonicNanoseconds
            if firstProcessorNanoseconds == nil {
                if now >= begin {
                    firstProcessorNanoseconds = Clock.ownProcessorNanoseconds
                    readCount = 0
                }
            } else {
                readCount += 32
                if now >= end {
                    lastProcessorNanoseconds = Clock.ownProcessorNanoseconds
                    isOver = true
                }
            }
        }

        func values() throws -> [String: Double] {
            guard failure == 0 else { throw SystemError("reading past the page cache", errno: failure) }
            guard let firstProcessorNanoseconds, readCount > 0 else {
                throw SystemError("no read was complete in time", errno: ETIMEDOUT)
            }
            return ["nanoseconds": Double(lastProcessorNanoseconds - firstProcessorNanoseconds) / Double(readCount)]
        }
    }
}
