import TestSupport
import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

/// A whole echo server in small, on queues and groups that are too short, against peers that write as they like.
@Suite("Echo at random")
struct EchoFuzzTests {
    @Test("Every byte comes back in order, and every buffer home", arguments: [1, 2, 3, UInt64.random(in: 4 ... .max)])
    func echoesEverything(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let pool = BufferPool.builder().maxByteCount(64 << 20).numShards(1).build()
        let ring = try Ring(.init(submissionEntries: 4, completionEntries: 8))
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let buffers = try ringPool.makeBufferRing(
            group: 0, entryCount: 4, bufferByteCount: [4096, 20000, 65536].randomElement(using: &random)!,
            targetCount: Int.random(in: 1...4, using: &random))
        var connections = try (0..<6).map { _ in try FuzzedConnection(loopbackConnection()) }
        for index in connections.indices { connections[index].arm(ring, index) }

        let deadline = ContinuousClock.now + .seconds(60)
        while connections.contains(where: { !$0.isDone }) {
            guard ContinuousClock.now < deadline else {
                Issue.record("stuck with seed \(seed)")
                break
            }
            for index in connections.indices { try connections[index].play(&random) }
            try ring.submitAndWait(minimum: 0)
            ring.forEachCompletion { completion in
                if let completed = ringPool.complete(completion) {
                    let index = Int(completed.context)
                    connections[index].sendEnded(completed, on: index, ringPool, &random)
                } else {
                    let index = Int(completion.userData)
                    connections[index].received(completion, on: index, buffers, ringPool, ring, &random)
                }
            }
            buffers.refill()
        }
        #expect(connections.allSatisfy { $0.echoedByteCount == $0.totalByteCount }, "seed \(seed)")
        #expect(connections.allSatisfy { $0.mismatchOffset == nil }, "seed \(seed)")
        #expect(ringPool.inFlightCount == 0, "seed \(seed)")
        ringPool.close()
    }
}

/// One connection, both ends: the peer's, which writes and verifies a pattern, and the server's.
private struct FuzzedConnection {
    let near: Int32
    let far: Int32
    let totalByteCount = 150_000
    private(set) var writtenByteCount = 0
    private(set) var echoedByteCount = 0
    private(set) var mismatchOffset: Int?
    private var waiting: [PooledBufferBox] = []
    private var isSending = false
    private var isEnded = false

    init(_ ends: (near: Int32, far: Int32)) throws {
        (near, far) = ends
        _ = try check("fcntl", fcntl(far, F_SETFL, O_NONBLOCK))
        // Small socket buffers make short sends.
        var byteCount: Int32 = 8192
        for end in [near, far] {
            setsockopt(end, SOL_SOCKET, SO_SNDBUF, &byteCount, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    var isDone: Bool { isEnded && waiting.isEmpty && !isSending && (echoedByteCount == totalByteCount) }

    private static func byte(at offset: Int) -> UInt8 { UInt8(truncatingIfNeeded: offset &* 31 &+ offset >> 8) }

    /// The peer writes and reads some.
    mutating func play(_ random: inout SeededGenerator) throws {
        if writtenByteCount < totalByteCount {
            let count = min(Int.random(in: 1...30_000, using: &random), totalByteCount - writtenByteCount)
            let bytes = (writtenByteCount..<writtenByteCount + count).map(Self.byte(at:))
            let written = write(far, bytes, count)
            if written > 0 { writtenByteCount += written }
            if writtenByteCount == totalByteCount { shutdown(far, Int32(SHUT_WR)) }
        }
        var bytes = [UInt8](repeating: 0, count: Int.random(in: 1...50_000, using: &random))
        let count = read(far, &bytes, bytes.count)
        guard count > 0 else { return }
        for (index, byte) in bytes[..<count].enumerated() where byte != Self.byte(at: echoedByteCount + index) {
            mismatchOffset = mismatchOffset ?? echoedByteCount + index
        }
        echoedByteCount += count
    }

    func arm(_ ring: borrowing Ring, _ index: Int) {
        ring.receiveMultishot(from: .file(near), group: 0, userData: UInt64(index))
    }

    mutating func received(
        _ completion: Completion, on index: Int, _ buffers: borrowing ProvidedBufferRing,
        _ ringPool: borrowing RingPool, _ ring: borrowing Ring, _ random: inout SeededGenerator
    ) {
        if let lease = buffers.take(completion), lease.count > 0 {
            waiting.append(PooledBufferBox(lease))
            sendNext(on: index, ringPool, &random)
        }
        if completion.result == 0 { isEnded = true }
        if completion.isFinal && completion.result != 0 {
            buffers.refill()
            arm(ring, index)
        }
    }

    mutating func sendNext(on index: Int, _ ringPool: borrowing RingPool, _ random: inout SeededGenerator) {
        guard !isSending, !waiting.isEmpty else { return }
        send(waiting.removeFirst().take(), from: 0, on: index, ringPool, &random)
    }

    private var sentByteCount = 0
    private var sendsZeroCopy = false

    private mutating func send(
        _ lease: consuming PooledBuffer, from offset: Int, on index: Int, _ ringPool: borrowing RingPool,
        _ random: inout SeededGenerator
    ) {
        isSending = true
        sentByteCount = offset
        let method: RingPool.SendMethod = [.plain, .fixed, .zeroCopy].randomElement(using: &random)!
        let range = offset..<lease.count
        ringPool.send(lease, range: range, to: .file(near), method: method, context: UInt64(index))
    }

    mutating func sendEnded(
        _ completed: consuming RingPool.Completed, on index: Int, _ ringPool: borrowing RingPool,
        _ random: inout SeededGenerator
    ) {
        // A zero-copy send has its count first, and its lease later.
        if !completed.completion.flags.contains(.notification) { sentByteCount += Int(max(completed.result, 0)) }
        guard let lease = completed.lease.take() else { return }
        isSending = false
        if sentByteCount < lease.count {
            send(lease, from: sentByteCount, on: index, ringPool, &random)
        } else {
            _ = consume lease
            sendNext(on: index, ringPool, &random)
        }
    }
}
