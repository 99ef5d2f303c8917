import Testing
import ZeroPool

@Suite("PooledBuffer")
struct PooledBufferTests {
    private let pool = BufferPool.builder().build()

    @Test(
        "a fresh lease shows no byte, and has at least the capacity asked for",
        arguments: [0, 1, 4095, 4096, 4097, 1 << 20])
    func freshLeaseShowsNothing(size: Int) {
        let buffer = pool.get(size)
        #expect(buffer.count == 0)
        let readableCount = buffer.bytes.byteCount
        #expect(readableCount == 0)
        #expect(buffer.capacity >= size)
        #expect(buffer.capacity >= 4096)
        #expect(buffer.capacity.nonzeroBitCount == 1)
    }

    @Test("what is appended is what is read")
    func appendedIsRead() {
        var buffer = pool.get(4096)
        buffer.append { output in
            for value in 0..<100 { output.append(UInt8(value)) }
        }
        let more: [UInt8] = [200, 201, 202]
        buffer.append(copying: more.span.bytes)
        #expect(buffer.count == 103)
        #expect([UInt8](copying: buffer) == Array(0..<100) + more)
        buffer.truncate(to: 2)
        #expect([UInt8](copying: buffer) == [0, 1])
        buffer.removeAll()
        #expect([UInt8](copying: buffer).isEmpty)
    }

    @Test("what an append wrote before it threw counts")
    func appendThrows() {
        struct Stop: Error {}
        var buffer = pool.get(4096)
        #expect(throws: Stop.self) {
            try buffer.append { (output) throws(Stop) in
                output.append(UInt8(1))
                output.append(UInt8(2))
                throw Stop()
            }
        }
        #expect([UInt8](copying: buffer) == [1, 2])
    }

    @Test("mutable bytes change in place")
    func mutableBytesChange() {
        var buffer = pool.get(zeroed: 16)
        do {
            var bytes = buffer.mutableBytes
            bytes.storeBytes(of: 0x0102, toByteOffset: 4, as: UInt16.self)
        }
        #expect([UInt8](copying: buffer) == [0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("a recycled buffer shows nothing of its last user")
    func recycledShowsNothing() {
        let address: UnsafeMutableRawPointer
        do {
            var buffer = pool.get(8192)
            buffer.append(copying: [UInt8](repeating: 0xaa, count: 8192).span.bytes)
            address = unsafe buffer.baseAddress
        }
        do {
            let again = pool.get(8192)
            let (isSame, readableCount) = unsafe (again.baseAddress == address, again.bytes.byteCount)
            #expect(isSame)
            #expect(readableCount == 0)
        }
        let zeroed = pool.get(zeroed: 8000)
        let isSame = unsafe zeroed.baseAddress == address
        #expect(isSame)
        #expect([UInt8](copying: zeroed) == [UInt8](repeating: 0, count: 8000))
    }

    @Test("a filled capacity counts when the caller says so")
    func setCountShowsWhatWasFilled() {
        var buffer = pool.get(4096)
        unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe bytes[0] = 5
            unsafe bytes[1] = 6
        }
        unsafe buffer.setCount(2)
        #expect([UInt8](copying: buffer) == [5, 6])
    }

    @Test("detached memory is never handed out again, and its arena lives as long as it")
    func detachedIsNotReused() {
        let pool = BufferPool.builder().build()
        var buffer = pool.get(4096)
        let bytes: [UInt8] = [1, 2, 3]
        buffer.append(copying: bytes.span.bytes)
        let address = unsafe buffer.baseAddress
        do {
            let detached = buffer.detach()
            for _ in 0..<100 {
                let other = pool.get(4096)
                let isOther = unsafe other.baseAddress != address
                #expect(isOther)
            }
            pool.close()
            #expect(pool.statistics().mappedByteCount > 0)
            let seen = unsafe (
                detached.count, detached.capacity, detached.bytes.unsafeLoad(fromByteOffset: 2, as: UInt8.self)
            )
            #expect(seen == (3, 4096, 3))
        }
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("misuse traps")
    func misuseTraps() async {
        await #expect(processExitsWith: .failure) { _ = BufferPool().get(-1) }
        await #expect(processExitsWith: .failure) {
            var buffer = BufferPool().get(4096)
            unsafe buffer.setCount(4097)
        }
        await #expect(processExitsWith: .failure) {
            var buffer = BufferPool().get(4096)
            buffer.append(copying: [UInt8](repeating: 0, count: 4097).span.bytes)
        }
        await #expect(processExitsWith: .failure) {
            var buffer = BufferPool().get(zeroed: 10)
            buffer.truncate(to: 11)
        }
    }
}
