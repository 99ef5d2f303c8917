import Glibc
import ZeroPool
import ZeroPoolURing

/// Where the bytes that come back are put until they are verified: a buffer group that all connections of a thread
/// share, so that a connection that waits holds no memory.
final class LoadReceiver {
    private let buffers: ProvidedBufferRing
    private let ringPool: RingPool

    /// Enough buffers for what every connection awaits, up to 1 MiB each and 64 MiB in all; beyond that, receives take
    /// turns.
    init(
        ring: borrowing Ring, answerByteCount: Int, pipeline: Int, connectionCount: Int
    ) throws(RingError) {
        let (inFlight, overflows) = answerByteCount.multipliedReportingOverflow(by: pipeline)
        let bufferByteCount = Self.powerOfTwo(atLeast: overflows ? .max : inFlight, within: 4 << 10...64 << 10)
        let buffersPerConnection = overflows ? 16 : min(16, 1 + inFlight / bufferByteCount)
        let bufferCount = Self.powerOfTwo(
            atLeast: connectionCount * buffersPerConnection, within: 16...(64 << 20) / bufferByteCount)
        let pool = BufferPool.builder()
            .numShards(1).tlsCacheSize(min(bufferCount, 256)).tlsCacheByteCount(.max).maxBuffersPerShard(bufferCount)
            .build()
        // Provided buffers are written by plain receives: to register them would lock memory for nothing.
        ringPool = try RingPool(ring: ring, pool: pool, shard: 0, registersBuffers: false)
        buffers = try Self.makeBuffers(ringPool, count: bufferCount, byteCount: bufferByteCount)
    }

    /// The group's entries count as locked memory: where that is short, half of them, and half again, do as well.
    private static func makeBuffers(
        _ ringPool: borrowing RingPool, count: Int, byteCount: Int
    ) throws(RingError) -> ProvidedBufferRing {
        do {
            return try ringPool.makeBufferRing(group: 0, entryCount: count, bufferByteCount: byteCount)
        } catch {
            guard error.errno == ENOMEM, count > 16 else { throw error }
            return try makeBuffers(ringPool, count: count / 2, byteCount: byteCount)
        }
    }

    /// The group for `Ring.receiveMultishot`.
    var group: UInt16 { buffers.group }

    /// Gives `body` the bytes of this completion, then their buffer back to the kernel.
    func withBytes<Result>(of completion: Completion, _ body: (RawSpan) -> Result) -> Result? {
        guard let lease = buffers.take(completion) else { return nil }
        return body(lease.bytes)
    }

    /// Puts buffers in the place of those that were taken; once a turn of the loop.
    func refill() {
        buffers.refill()
    }

    private static func powerOfTwo(atLeast value: Int, within range: ClosedRange<Int>) -> Int {
        var power = range.lowerBound
        while power < value, power < range.upperBound { power *= 2 }
        return power
    }
}
