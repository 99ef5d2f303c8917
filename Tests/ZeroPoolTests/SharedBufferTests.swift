import Testing

@testable import ZeroPool

@Suite("SharedBuffer")
struct SharedBufferTests {
    /// A lease of the pool, or of malloc where there is none.
    private func lease(_ pool: BufferPool?, holding bytes: [UInt8]) throws -> PooledBuffer {
        let got = if let pool { pool.tryGet(5000) } else { AllocatedBuffers.tryGet(5000) }
        guard var lease = got else { throw NoMemory() }
        lease.append(copying: bytes.span.bytes)
        return lease
    }

    private struct NoMemory: Error {}

    @Test("all shares have the bytes, and the buffer goes home with the last", arguments: [true, false])
    func shares(isPooled: Bool) throws {
        let pool = isPooled ? BufferPool() : nil
        let bytes = [UInt8](0..<200)
        let lease = try lease(pool, holding: bytes)
        let (address, location) = unsafe (lease.baseAddress, lease.location)
        var shared: SharedBuffer? = SharedBuffer(lease)
        #expect(shared?.count == 200 && shared?.capacity == 8192)
        var first = shared?.share()
        var second = shared?.share()
        for share in [unsafe first?.baseAddress, unsafe second?.baseAddress] {
            let isSame = unsafe share == address
            #expect(isSame)
        }
        #expect(first?.location == location)
        shared = nil
        first = nil
        #expect(pool.map(\.leasedBufferCount) ?? 1 == 1)
        do {
            guard let last = second.take() else { preconditionFailure("the second share has not ended") }
            #expect([UInt8](copying: last) == bytes)
        }
        #expect(pool.map(\.leasedBufferCount) ?? 0 == 0)
    }

    @Test("a buffer that nobody shares goes home with its owner")
    func unshared() throws {
        let pool = BufferPool()
        var shared: SharedBuffer? = SharedBuffer(try lease(pool, holding: [1]))
        #expect(pool.leasedBufferCount == 1 && shared?.count == 1)
        shared = nil
        #expect(pool.leasedBufferCount == 0)
    }

    @Test("what needs a lease of one's own traps with a share")
    func misuse() async {
        await #expect(processExitsWith: .failure) {
            let shared = SharedBuffer(BufferPool().get(100))
            _ = shared.share().detach()
        }
        await #expect(processExitsWith: .failure) {
            let shared = SharedBuffer(BufferPool().get(100))
            unsafe _ = shared.share().passUnmanaged()
        }
    }
}
