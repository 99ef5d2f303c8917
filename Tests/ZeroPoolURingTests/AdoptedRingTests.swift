import TestSupport
import CLibUring
import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

/// A program that makes its ring in C, reaps by itself, and lends parts of the ring to a pool.
final class HostProgram {
    let ring = UnsafeMutablePointer<io_uring>.allocate(capacity: 1)
    let memory = TestMemory(byteCount: 4096)
    /// Of the pool: slots, groups, and the user data with these top bits.
    static let reservation = RingPool.Reservation(
        bufferSlots: 8..<16, bufferGroups: 5..<7, userDataMask: 0xFF << 56, userDataValue: 0xA5 << 56)

    init(flags: UInt32) throws {
        ring.initialize(to: io_uring())
        try check("io_uring_queue_init", -abs(io_uring_queue_init(16, ring, flags)))
        try check("io_uring_register_buffers_sparse", io_uring_register_buffers_sparse(ring, 16))
        // Slot 0 is the host's own.
        var own = iovec(iov_base: memory.bytes.baseAddress, iov_len: memory.bytes.count)
        var tag: UInt64 = 0
        try check("update", io_uring_register_buffers_update_tag(ring, 0, &own, &tag, 1))
    }

    deinit {
        io_uring_queue_exit(ring)
        ring.deallocate()
    }

    /// The host's own operation: a fixed read into its slot.
    func prepareRead(from descriptor: Int32, userData: UInt64) {
        guard let entry = io_uring_get_sqe(ring) else { preconditionFailure("the queue is full") }
        io_uring_prep_read_fixed(entry, descriptor, memory.bytes.baseAddress, 10, 0, 0)
        io_uring_sqe_set_data64(entry, userData)
    }

    /// One completion, as the host reaps it.
    func reap() throws -> Completion {
        var entry: UnsafeMutablePointer<io_uring_cqe>?
        var timeout = __kernel_timespec(tv_sec: 5, tv_nsec: 0)
        let deadline = ContinuousClock.now + .seconds(5)
        var result: Int32
        repeat {
            // The end of a timeout operation wakes the waiter, which then says ETIME when it is faster than the
            // completion.
            result = io_uring_wait_cqe_timeout(ring, &entry, &timeout)
        } while result == -ETIME && ContinuousClock.now < deadline
        if result < 0 { throw SystemCallFailure(call: "io_uring_wait_cqe_timeout", errno: -result) }
        defer { io_uring_cqe_seen(ring, entry) }
        return Completion(
            userData: entry!.pointee.user_data, result: entry!.pointee.res,
            flags: CompletionFlags(rawValue: entry!.pointee.flags))
    }
}

@Suite("A host program's ring")
struct AdoptedRingTests {
    @Test(
        "Host and pool share a ring: each gets its own completions, whatever kind of ring it is",
        .enabled(if: mayLockMemory, "needs lockable memory"),
        arguments: [
            ("plain", 0), ("deferred", IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN),
            ("polled by the kernel", IORING_SETUP_SQPOLL), ("large entries", IORING_SETUP_SQE128 | IORING_SETUP_CQE32),
        ] as [(String, UInt32)])
    func sharesARing(kind: (name: String, flags: UInt32)) throws {
        let host = try HostProgram(flags: kind.flags)
        let pool = BufferPool()
        pool.bindCurrentThread(toShard: 0)
        let hostFile = try TemporaryFile(Array("host bytes".utf8))
        let poolFile = try TemporaryFile(Array("pool bytes".utf8))
        let pair = try SocketPair()
        do {
            let ring = try Ring(adopting: host.ring)
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0, reservation: HostProgram.reservation)
            let buffers = try ringPool.makeBufferRing(group: 5, entryCount: 4, bufferByteCount: 4096)
            // A user data of the host's own choice, for the receive as well.
            ring.receiveMultishot(from: .file(pair.near), group: 5, userData: 77)
            var hostCount = 0
            for round in 0..<20 {
                host.prepareRead(from: hostFile.descriptor, userData: UInt64(round))
                ringPool.read(
                    into: pool.get(4096), from: .file(poolFile.descriptor), offset: 0, context: UInt64(round))
                ring.timeout(after: .milliseconds(1), userData: 78)
                try writeAll("ping", to: pair.far)
                if round.isMultiple(of: 2) { io_uring_submit(host.ring) } else { try ring.submit() }
                for _ in 0..<4 {
                    let completion = try host.reap()
                    if ringPool.isOurs(completion) {
                        let outcome = try ringPool.outcome(of: completion)
                        #expect(outcome.text == "pool bytes")
                        #expect(outcome.context == round)
                    } else if completion.userData == 77 {
                        #expect(buffers.takeBytes(completion) == Array("ping".utf8))
                        buffers.refill()
                    } else if completion.userData == 78 {
                        #expect(completion.errno == ETIME)
                    } else {
                        #expect(completion.userData == round)
                        #expect(completion.result == 10)
                        hostCount += 1
                    }
                }
            }
            #expect(hostCount == 20)
            #expect(ring.operationCount(of: .readFixed) == 20)
            #expect(ringPool.registrations.registeredArenaCount >= 1, "\(ringPool.registrations)")
        }
        // The host's ring and its slot outlive the pool's part.
        host.prepareRead(from: hostFile.descriptor, userData: 5)
        io_uring_submit(host.ring)
        while true {
            // The receive ends with its group, sooner or later.
            let completion = try host.reap()
            if completion.userData == 77 { continue }
            #expect(completion.userData == 5 && completion.result == 10)
            break
        }
    }

    @Test("A host's ring of large entries is submitted to and reaped entry by entry")
    func largeEntries() throws {
        let host = try HostProgram(flags: IORING_SETUP_SQE128 | IORING_SETUP_CQE32)
        let ring = try Ring(adopting: host.ring)
        for token in 0..<100 { ring.nop(userData: UInt64(token)) }
        #expect(try ring.reap(100).map(\.userData) == (0..<100).map(UInt64.init))
    }

    @Test("A host that loses completions is told at the pool's end")
    func lostCompletionTraps() async {
        await #expect(processExitsWith: trap) {
            let host = try HostProgram(flags: 0)
            let ring = try Ring(adopting: host.ring)
            let pool = BufferPool()
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0, reservation: HostProgram.reservation)
            let pair = try SocketPair()
            ringPool.receive(into: pool.get(4096), from: .file(pair.near), context: 0)
            try ring.submit()
            ringPool.close()
        }
    }

    @Test("A buffer group outside the reservation traps")
    func foreignGroupTraps() async {
        await #expect(processExitsWith: trap) {
            let host = try HostProgram(flags: 0)
            let ring = try Ring(adopting: host.ring)
            let ringPool = try RingPool(
                ring: ring, pool: BufferPool(), shard: 0, reservation: HostProgram.reservation)
            _ = try ringPool.makeBufferRing(group: 7, entryCount: 4, bufferByteCount: 4096)
        }
    }

    @Test("User data without room for the pool's 40 bits traps")
    func narrowUserDataTraps() async {
        await #expect(processExitsWith: trap) {
            _ = RingPool.Reservation(
                bufferSlots: 0..<1, bufferGroups: 0..<1, userDataMask: 1 << 39, userDataValue: 0)
        }
    }
}
