import Glibc
import Testing
import ZeroPool

@testable import ZeroPoolURing

@Suite("User data that is the pool's")
struct ReservedUserDataTests {
    @Test(
        "An operation of the program's own must not carry it, whether the pool is there yet or not",
        arguments: [false, true])
    func ownOperation(hasPool: Bool) async {
        await #expect(processExitsWith: trap) { [hasPool = hasPool as Bool] in
            let ring = try Ring()
            let pool = BufferPool()
            guard hasPool else { return ring.nop(userData: 1 << 63) }
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
            ring.nop(userData: 1 << 63)
            _ = ringPool.inFlightCount
        }
    }

    @Test("No operation carries it, of whatever kind")
    func everyOperation() async throws {
        for index in 0..<Self.operations.count {
            await #expect(processExitsWith: trap) { [index = index as Int] in
                let ring = try Ring()
                Self.operations[index](ring, 1 << 63)
            }
        }
        // Those that trap for another reason would trap here too.
        let ring = try Ring()
        for operation in Self.operations { operation(ring, 1 << 62) }
    }

    private static let operations: [@Sendable (borrowing Ring, UInt64) -> Void] = [
        { $0.nop(userData: $1) }, { $0.cancel(1, userData: $1) }, { $0.cancelAll(userData: $1) },
        { $0.cancelAll(on: .file(-1), userData: $1) }, { $0.timeout(after: .zero, userData: $1) },
        { $0.timeout(atMonotonicNanoseconds: 0, userData: $1) }, { $0.poll(.file(-1), events: 0, userData: $1) },
        { $0.messageRing(-1, targetUserData: 0, result: 0, userData: $1) },
        { $0.messageRing(-1, targetUserData: $1, result: 0, userData: 0) },
        { $0.accept(on: .file(-1), userData: $1) }, { $0.receiveMultishot(from: .file(-1), group: 0, userData: $1) },
        { $0.receive(from: .file(-1), group: 0, userData: $1) }, { $0.disconnect(.file(-1), userData: $1) },
        { $0.shutdown(.file(-1), how: 0, userData: $1) }, { $0.close(.file(-1), userData: $1) },
        { $0.installDescriptor(for: 0, userData: $1) },
        { $0.read(from: .file(-1), group: 0, byteCount: 1, userData: $1) },
        {
            $0.read(from: .file(-1), into: UnsafeMutableRawBufferPointer(start: nil, count: 0), offset: 0, userData: $1)
        },
        { $0.write(to: .file(-1), from: UnsafeRawBufferPointer(start: nil, count: 0), offset: 0, userData: $1) },
        {
            $0.readFixed(
                from: .file(-1), into: UnsafeMutableRawBufferPointer(start: nil, count: 0), offset: 0, bufferIndex: 0,
                userData: $1)
        },
        {
            $0.writeFixed(
                to: .file(-1), from: UnsafeRawBufferPointer(start: nil, count: 0), offset: 0, bufferIndex: 0,
                userData: $1)
        },
        { $0.connect(.file(-1), to: UnsafeRawBufferPointer(start: nil, count: 0), userData: $1) },
        { $0.receive(from: .file(-1), into: UnsafeMutableRawBufferPointer(start: nil, count: 0), userData: $1) },
        { $0.send(to: .file(-1), from: UnsafeRawBufferPointer(start: nil, count: 0), userData: $1) },
        { $0.sendZeroCopy(to: .file(-1), from: UnsafeRawBufferPointer(start: nil, count: 0), userData: $1) },
        { $0.peerName(of: .file(-1), into: UnsafeMutableRawBufferPointer(start: nil, count: 0), userData: $1) },
    ]

    @Test("A host's operation through the library must not carry what it gave to the pool")
    func hostOperation() async {
        await #expect(processExitsWith: trap) {
            let host = try HostProgram(flags: 0)
            let ring = try Ring(adopting: host.ring)
            // Nobody's yet.
            ring.nop(userData: 1 << 63)
            let ringPool = try RingPool(
                ring: ring, pool: BufferPool(), shard: 0, reservation: HostProgram.reservation)
            ring.nop(userData: 1 << 63)
            ring.nop(userData: 0xA5 << 56)
            _ = ringPool.inFlightCount
        }
    }

    @Test("A second pool on the same ring traps; one after the other does not")
    func secondPool() async throws {
        await #expect(processExitsWith: trap) {
            let ring = try Ring()
            let pool = BufferPool()
            let first = try RingPool(ring: ring, pool: pool, shard: 0, registersBuffers: false)
            let second = try RingPool(ring: ring, pool: pool, shard: 0, registersBuffers: false)
            _ = first.inFlightCount + second.inFlightCount
        }
        let ring = try Ring()
        let pool = BufferPool()
        for _ in 0..<2 {
            let ringPool = try RingPool(ring: ring, pool: pool, shard: 0, registersBuffers: false)
            ringPool.send(pool.get(zeroed: 1), to: .file(-1), context: 1)
            #expect(try ringPool.reapOne(from: ring).completion.errno == EBADF)
        }
    }

    @Test("A pool on a ring of its own keeps to the upper half")
    func lowReservation() async {
        await #expect(processExitsWith: trap) {
            let ring = try Ring()
            let low = RingPool.Reservation(
                bufferSlots: 0..<1, bufferGroups: 0..<1, userDataMask: 0xFF << 56, userDataValue: 1 << 56)
            _ = try RingPool(ring: ring, pool: BufferPool(), shard: 0, reservation: low)
        }
    }

    @Test("Another ring's completion is not taken for one of this")
    func otherRing() throws {
        let ring = try Ring()
        let other = try Ring()
        let pool = BufferPool()
        let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
        let otherPool = try RingPool(ring: other, pool: pool, shard: 0)
        let pair = try SocketPair()
        ringPool.receive(into: pool.get(4096), from: .file(pair.near), context: 1)
        try ring.submit()
        otherPool.send(pool.get(zeroed: 1), to: .file(-1), context: 2)
        let completion = try other.reapOne()
        #expect(throws: NotOurs.self) { try ringPool.outcome(of: completion) }
        #expect(ringPool.inFlightCount == 1)
        #expect(try otherPool.outcome(of: completion).context == 2)
    }
}
