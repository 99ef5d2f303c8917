import TestSupport
import CLibUring
import Glibc
import Testing

@testable import ZeroPool
@testable import ZeroPoolURing

@Suite("A ring that dies")
struct DeadRingTests {
    @Test("keeps what the kernel may still touch, and lets its process end with a status of its own")
    func leasesStay() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let pool = BufferPool.builder().numShards(1).build()
            let pair = try SocketPair()
            do {
                let ring = try Ring()
                let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
                let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 4, bufferByteCount: 65536)
                ring.receiveMultishot(from: .file(pair.near), group: 0, userData: 1)
                ringPool.receive(into: pool.get(65536), from: .file(pair.near), context: 0)
                try ring.submit()
                ringPool.synchronize()
                try #require(pool.leasedBufferCount == 5)
                ring.breakEntering()
                #expect(throws: RingError(.wait, errno: EBADF)) { try ring.submitAndWait() }
                ringPool.close()
                try #require(ringPool.inFlightCount == 1)
                try #require(ringPool.registrations.registeredByteCount > 0 || !mayLockMemory)
                try #require(buffers.providedCount == 4)
            }
            // The lease in flight is nobody else's for good, and its memory stays mapped.
            try #require(pool.leasedBufferCount == 1)
            pool.close()
            try #require(pool.statistics().mappedByteCount == 2 << 20)
            exit(7)
        }
    }

    @Test("whose memory the kernel does not let go of keeps it mapped, and says so")
    func registrationsStay() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let pool = BufferPool.builder().numShards(1).build()
            let ring = try Ring()
            do {
                let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
                do { _ = pool.get(65536) }
                ringPool.synchronize()
                try #require(ringPool.registrations.registeredByteCount == 2 << 20)
                let descriptor = ring.breakRegistering()
                ringPool.close()
                ring.repairRegistering(descriptor)
                try #require(ringPool.inFlightCount == 0)
                try #require(ringPool.registrations.registeredByteCount == 2 << 20)
                try #require(ringPool.registrations.lastError == RingError(.unregisterBuffers, errno: EBADF))
            }
            pool.close()
            try #require(pool.statistics().mappedByteCount == 2 << 20)
            endWithoutLookingForLeaks(7)
        }
    }

    @Test("whose buffer group the kernel does not let go of keeps the buffers")
    func buffersStay() async {
        await #expect(processExitsWith: .exitCode(7)) {
            let pool = BufferPool.builder().numShards(1).build()
            let ring = try Ring()
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0, registersBuffers: false)
            do {
                let buffers = try ringPool.makeBufferRing(group: 0, entryCount: 4, bufferByteCount: 65536)
                try #require(buffers.providedCount == 4)
                let descriptor = ring.breakRegistering()
                _ = consume buffers
                ring.repairRegistering(descriptor)
            }
            try #require(pool.leasedBufferCount == 4)
            endWithoutLookingForLeaks(7)
        }
    }

    @Test("Lost completions are an error, at every wait, also where the wait submitted something")
    func lostCompletions() throws {
        let ring = try Ring()
        ring.nop(userData: 1)
        try ring.submitAndWait()
        ring.state.value.ring.pointee.cq.koverflow.pointee += 1
        for _ in 0..<2 {
            ring.nop(userData: 2)
            #expect(throws: RingError(.wait, errno: EBADR)) { try ring.submitAndWait() }
        }
        ring.state.value.ring.pointee.cq.koverflow.pointee -= 1
    }

    @Test("A refusal is waited out for a while, and for no longer")
    func refusalsHaveAnEnd() throws {
        let ring = try Ring()
        var refusalCount = 0
        // As many as take five seconds: counted, so that this test need not wait for them.
        ring.state.value.refusalCount = 4990
        while ring.state.value.outlastRefusal() { refusalCount += 1 }
        #expect(refusalCount == 10)
        // A call that the kernel takes ends the row…
        try ring.submitAndWait(minimum: 0)
        #expect(ring.state.value.refusalCount == 0)
        // … and so do completions to be reaped.
        ring.state.value.refusalCount = 5000
        ring.nop(userData: 1)
        try ring.submit()
        let isOutlasted = ring.state.value.outlastRefusal()
        #expect(isOutlasted)
        #expect(ring.state.value.refusalCount == 0)
        #expect(try ring.reapOne().userData == 1)
    }

    @Test("Every error but an interruption or a shortage is the ring's death")
    func everyErrno() {
        let passing: [Int32: Refusal] = [
            EINTR: .interruption, ETIME: .interruption, EAGAIN: .shortage, EBUSY: .shortage,
        ]
        for errno in Int32(1)...133 { #expect(Refusal(errno: errno) == passing[errno] ?? .death, "errno \(errno)") }
    }
}

/// What a ring keeps for the kernel's sake nobody refers to any more: the leak sanitizer would tell of it.
private func endWithoutLookingForLeaks(_ status: Int32) -> Never { _exit(status) }

extension Ring {
    /// From now on the kernel refuses every entry with `EBADF`.
    fileprivate func breakEntering() {
        state.value.ring.pointee.int_flags = 0
        state.value.ring.pointee.enter_ring_fd = -1
    }

    /// From now on the kernel refuses to register and unregister, with `EBADF`. Returns what repairs it.
    fileprivate func breakRegistering() -> Int32 {
        let descriptor = state.value.ring.pointee.ring_fd
        // Not -1, with which newer kernels take calls without a ring.
        state.value.ring.pointee.ring_fd = -2
        return descriptor
    }

    fileprivate func repairRegistering(_ descriptor: Int32) { state.value.ring.pointee.ring_fd = descriptor }
}
