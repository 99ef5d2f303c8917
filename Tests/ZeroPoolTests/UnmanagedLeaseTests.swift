import TestSupport
import Testing

@testable import ZeroPool

@Suite("Leases passed as pointers")
struct UnmanagedLeaseTests {
    @Test("a lease comes back as it was passed, on another thread too")
    func roundTrip() {
        let pool = BufferPool.builder().tlsCacheSize(4).build()
        var buffer = pool.get(65536)
        buffer.append(copying: [UInt8](0..<100).span.bytes)
        let address = unsafe UInt(bitPattern: buffer.baseAddress)
        let location = buffer.location
        let pointer = unsafe UInt(bitPattern: buffer.passUnmanaged())
        #expect(pointer % 8 == 0)
        #expect(pool.leasedBufferCount == 1)
        let box = unsafe LeaseBox(
            PooledBuffer.takeUnmanaged(UnsafeMutableRawPointer(bitPattern: pointer)!))
        #expect(box.range == address..<address + 65536)
        #expect(box.location == location)
        #expect(box.bytes == [UInt8](0..<100))
        guard let again = box.buffer.take()?.passUnmanaged() else { preconditionFailure("there is a lease") }
        let bits = UInt(bitPattern: again)
        onThread {
            let taken = unsafe LeaseBox(PooledBuffer.takeUnmanaged(UnsafeMutableRawPointer(bitPattern: bits)!))
            #expect(taken.bytes == [UInt8](0..<100))
        }
        #expect(pool.leasedBufferCount == 0)
    }

    @Test("a taken lease goes back into the thread's cache")
    func returnsToTheCache() {
        let pool = BufferPool.builder().tlsCacheSize(4).build()
        for _ in 0..<10 { unsafe _ = PooledBuffer.takeUnmanaged(pool.get(4096).passUnmanaged()) }
        let gets = pool.statistics().gets
        #expect(gets.fresh == 1)
        #expect(gets.cache == 9)
    }

    @Test("transient, uncached and full leases are passed with their count", arguments: [0, 1 << 30])
    func otherMemory(limit: Int) {
        let pool = BufferPool.builder().maxByteCount(limit).build()
        var buffer = pool.get(32 << 20)
        let capacity = buffer.capacity
        unsafe buffer.setCount(capacity)
        do {
            let taken = unsafe PooledBuffer.takeUnmanaged(buffer.passUnmanaged())
            #expect(taken.count == capacity)
        }
        #expect(pool.leasedBufferCount == 0)
    }

    @Test("a passed lease outlives its pool")
    func outlivesThePool() {
        var pool: BufferPool? = BufferPool()
        let core = pool!.core
        let pointer = unsafe pool!.get(zeroed: 10).passUnmanaged()
        pool = nil
        #expect(core.statistics().mappedByteCount == 2 << 20)
        do {
            let taken = unsafe PooledBuffer.takeUnmanaged(pointer)
            #expect([UInt8](copying: taken) == [UInt8](repeating: 0, count: 10))
        }
        #expect(core.statistics().mappedByteCount == 0)
    }

    @Test("memory from malloc is passed as the pool's is")
    func allocated() {
        guard var buffer = AllocatedBuffers.tryGet(5000) else { preconditionFailure("malloc failed") }
        guard let other = AllocatedBuffers.tryGet(5000) else { preconditionFailure("malloc failed") }
        buffer.append(copying: [UInt8](0..<100).span.bytes)
        let address = unsafe buffer.baseAddress
        let (pointer, otherPointer) = unsafe (buffer.passUnmanaged(), other.passUnmanaged())
        let otherTaken = unsafe PooledBuffer.takeUnmanaged(otherPointer)
        let taken = unsafe PooledBuffer.takeUnmanaged(pointer)
        let isSame = unsafe taken.baseAddress == address
        #expect(isSame)
        #expect(taken.capacity == 8192)
        #expect([UInt8](copying: taken) == [UInt8](0..<100))
        #expect(otherTaken.count == 0)
    }

    @Test("a descriptor is one cache line")
    func descriptorSize() {
        #expect(unsafe MemoryLayout<BufferDescriptor>.stride <= 64)
    }
}

@Suite("Misuse of leases passed as pointers")
struct UnmanagedMisuseTests {
    @Test("taking twice traps and says so, also when the first has been returned")
    func takenTwice() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool()
            let pointer = unsafe pool.get(4096).passUnmanaged()
            let first = unsafe PooledBuffer.takeUnmanaged(pointer)
            let second = unsafe PooledBuffer.takeUnmanaged(pointer)
            _ = (first.count, second.count)
        }
        #expect(says(result, "takeUnmanaged of a lease that is not passed: it was taken before"))
        let returned = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().tlsCacheSize(0).build()
            let pointer = unsafe pool.get(4096).passUnmanaged()
            unsafe _ = PooledBuffer.takeUnmanaged(pointer)
            unsafe _ = PooledBuffer.takeUnmanaged(pointer)
        }
        #expect(says(returned, "takeUnmanaged of a lease that is not passed: it was taken before"))
    }

    @Test("taking what was never passed traps and says so")
    func neverPassed() async {
        let buffer = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let buffer = BufferPool().get(zeroed: 4096)
            unsafe _ = PooledBuffer.takeUnmanaged(buffer.baseAddress)
        }
        #expect(says(buffer, "or never passed"))
        let marked = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool()
            unsafe _ = PooledBuffer.takeUnmanaged(pool.get(4096).passUnmanaged() + 1)
        }
        #expect(says(marked, "its low bits are set"))
    }
}

/// Whether the process of an exit test wrote `text` to standard error before it ended.
func says(_ result: ExitTest.Result?, _ text: String) -> Bool {
    guard let result else { return false }
    return String(decoding: result.standardErrorContent, as: UTF8.self).contains(text)
}
