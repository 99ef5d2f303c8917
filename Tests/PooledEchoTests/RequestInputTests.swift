import TestSupport
import Testing
import ZeroPool

@testable import PooledEcho

@Suite("RequestInput")
struct RequestInputTests {
    private let pool = BufferPool.builder().numShards(1).tlsCacheSize(0).build()

    private func lease(_ bytes: [UInt8]) -> PooledBuffer {
        var lease = pool.get(4096)
        lease.append(copying: bytes.span.bytes)
        return lease
    }

    private func bytes(_ input: borrowing RequestInput) -> [UInt8] {
        input.withBytes { $0.withUnsafeBytes { Array($0) } }
    }

    @Test("what is read in pieces of any size is what came in, and every lease goes home", arguments: 0..<20)
    func pieces(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var input = RequestInput()
        var (written, read) = (0, 0)
        var leaseCount = 0
        func byte(_ offset: Int) -> UInt8 { UInt8(truncatingIfNeeded: offset &* 31 ^ offset >> 8) }
        for _ in 0..<300 {
            switch random.integer(0, 2) {
            case 0:
                guard !input.hasNext else { break }
                let count = random.skewed(1, 4096)
                input.append(lease((written..<written + count).map(byte)))
                written += count
                leaseCount += 1
            case 1:
                let count = bytes(input).count
                let had = leaseCount
                if input.gather() {
                    leaseCount = input.hasNext ? 2 : 1
                    #expect(bytes(input).count > count && leaseCount <= had)
                } else {
                    // Nothing follows, or the first lease is full.
                    #expect(leaseCount <= 1 || count == 4096)
                }
            default:
                guard !input.isEmpty else { break }
                let count = random.integer(1, bytes(input).count)
                let isWhole = count == bytes(input).count
                input.consume(byteCount: count)
                if isWhole { leaseCount -= 1 }
                read += count
            }
            let there = bytes(input)
            #expect(there == (read..<read + there.count).map(byte))
            #expect(there.isEmpty == (leaseCount == 0))
            #expect(pool.leasedBufferCount == leaseCount)
        }
        input.removeAll()
        let isEmpty = input.isEmpty
        #expect(isEmpty && pool.leasedBufferCount == 0)
    }
}
