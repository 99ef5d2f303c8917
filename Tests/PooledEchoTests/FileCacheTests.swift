import SystemSupport
import TestSupport
import Testing
import ZeroPool
import ZeroPoolReactor
import ZeroPoolURing

@testable import PooledEcho

@Suite("FileCache")
struct FileCacheTests {
    /// A cache, and the descriptors that were closed.
    private final class World {
        var cache: FileCache
        var closed: [Int32] { ring.closed }
        let pool = BufferPool()
        private let ring = ClosingRing()
        private let reactor: Reactor
        private var descriptorCount: Int32 = 0

        init(capacity: Int = 8, lifeTicks: Int = 4, maxKeptByteCount: Int = 0) {
            reactor = Reactor(
                ring: ring, pool: pool, bell: SilentBell(), slotCount: 1,
                admission: Admission(maxConnectionCount: 1), limits: ReactorLimits())
            cache = FileCache(capacity: capacity, lifeTicks: lifeTicks, maxKeptByteCount: maxKeptByteCount)
        }

        func find(_ path: String, _ aspect: FileCache.Aspect = .file) -> FileCache.Index? {
            cache.find(Array(path.utf8).span.bytes, aspect)
        }

        /// Adds a new file, in use.
        func add(_ path: String, _ aspect: FileCache.Aspect = .file, isPassing: Bool = false) -> FileCache.Index {
            descriptorCount += 1
            let time = FileStatus.Time(seconds: 0)
            let status = FileStatus(
                kind: .regular, byteCount: 1, number: UInt64(descriptorCount), modified: time, changed: time)
            let path = Array(path.utf8)
            let file = OpenFile(
                File(descriptorCount, status: status, of: reactor), path: path.span.bytes, listing: nil)
            return cache.add(file, path: path.span.bytes, aspect, isPassing: isPassing)
        }

        func end(_ index: FileCache.Index) { cache.end(index) }

        /// Has a response kept, if it may be, which then is the number of its file's descriptor.
        func keep(_ index: FileCache.Index) {
            var response = pool.get(4096)
            response.append(copying: [UInt8(truncatingIfNeeded: descriptor(index))].span.bytes)
            _ = cache.keep(response, with: index)
        }

        /// The number in the response that is kept.
        func kept(_ index: FileCache.Index) -> UInt8? {
            guard let response = cache.response(index) else { return nil }
            return [UInt8](copying: response)[0]
        }

        func descriptor(_ index: FileCache.Index) -> Int32 { Int32(cache[index].status.number) }
    }

    @Test("a path is found until it is too old, by its bytes and its aspect")
    func finds() throws {
        let world = World()
        world.end(world.add("a/b"))
        #expect(world.find("a/c") == nil && world.find("a/bb") == nil && world.find("a/b", .htmlListing) == nil)
        for _ in 0..<4 {
            #expect(world.closed == [])
            let index = try #require(world.find("a/b"))
            #expect(world.descriptor(index) == 1)
            world.end(index)
            world.cache.advanceTick()
        }
        // It is closed then, also when nobody asks for it.
        #expect(world.closed == [1] && world.cache.cachedCount == 0)
        #expect(world.find("a/b") == nil)
    }

    @Test("what is in use stays open until its last use ends, though nobody finds it any more")
    func use() throws {
        let world = World()
        let first = world.add("a")
        let second = try #require(world.find("a"))
        #expect(first == second)
        world.cache.evict(first)
        #expect(world.find("a") == nil)
        world.end(first)
        #expect(world.closed == [] && world.descriptor(second) == 1)
        world.end(second)
        #expect(world.closed == [1])
    }

    @Test("a path that is opened anew takes the place of the old one")
    func replaces() throws {
        let world = World()
        let old = world.add("a")
        let new = world.add("a")
        #expect(world.find("a") == new && world.cache.cachedCount == 1)
        world.end(old)
        #expect(world.closed == [1] && world.descriptor(new) == 2)
    }

    @Test("past the capacity the longest unused goes")
    func capacity() throws {
        let world = World(capacity: 3)
        for path in ["a", "b", "c"] { world.end(world.add(path)) }
        world.end(try #require(world.find("a")))
        world.end(world.add("d"))
        #expect(world.closed == [2] && world.find("b") == nil)
        #expect(["a", "c", "d"].allSatisfy { world.find($0) != nil })
    }

    @Test("what passes is not kept, nor anything without a life", arguments: [0, 4])
    func unlisted(lifeTicks: Int) {
        let world = World(lifeTicks: lifeTicks)
        let index = world.add("a", isPassing: lifeTicks > 0)
        #expect(world.find("a") == nil)
        world.end(index)
        #expect(world.closed == [1])
    }

    @Test("a response is kept with a file that was asked for twice, until that goes, or all do")
    func responses() throws {
        let world = World(maxKeptByteCount: 2 * 4096)
        let first = world.add("a")
        world.keep(first)
        #expect(world.kept(first) == nil)
        #expect(world.find("a") == first)
        world.keep(first)
        #expect(world.kept(first) == 1 && world.cache.keptByteCount == 4096)
        // Others have no part in it, and find room as long as there is some.
        for (path, keptByteCount) in [("b", 8192), ("c", 8192)] {
            let other = world.add(path)
            #expect(world.find(path) == other && world.kept(other) == nil)
            world.keep(other)
            #expect(world.cache.keptByteCount == keptByteCount)
        }
        // Who is sending it still has it.
        guard let share = world.cache.response(first) else { preconditionFailure("a response is kept") }
        world.cache.evict(first)
        #expect(world.kept(first) == nil && world.cache.keptByteCount == 4096 && world.pool.leasedBufferCount == 2)
        let bytes = [UInt8](copying: share)
        #expect(bytes == [1])
        world.cache.forgetResponses()
        #expect(world.cache.keptByteCount == 0 && world.pool.leasedBufferCount == 1)
        _ = consume share
        #expect(world.pool.leasedBufferCount == 0)
    }

    @Test("every file is closed once, and every response is its file's, whatever happens", arguments: 0..<20)
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let world = World(
            capacity: random.integer(1, 6), lifeTicks: random.integer(0, 3),
            maxKeptByteCount: 4096 * random.integer(0, 5))
        var uses: [FileCache.Index] = []
        for _ in 0..<500 {
            switch random.integer(0, 7) {
            case 0, 1, 2:
                let path = String(repeating: "p", count: random.integer(1, 12))
                uses.append(world.find(path) ?? world.add(path, isPassing: random.chance(0.1)))
            case 3: world.cache.advanceTick()
            case 4, 5: if !uses.isEmpty { world.keep(uses[random.integer(0, uses.count - 1)]) }
            case 6: if random.chance(0.2) { world.cache.forgetResponses() }
            default:
                guard !uses.isEmpty else { break }
                world.end(uses.remove(at: random.integer(0, uses.count - 1)))
            }
            #expect(world.cache.cachedCount <= world.cache.capacity)
            #expect(world.cache.keptByteCount <= world.cache.maxKeptByteCount)
            for index in uses {
                let descriptor = world.descriptor(index)
                #expect(!world.closed.contains(descriptor))
                #expect(world.kept(index).map { $0 == UInt8(truncatingIfNeeded: descriptor) } ?? true)
            }
        }
        for index in uses { world.end(index) }
        world.cache.evictAll()
        #expect(world.closed.sorted() == (1...Int32(world.closed.count)).map { $0 })
        #expect(world.cache.keptByteCount == 0 && world.pool.leasedBufferCount == 0)
    }
}

/// A ring that closes files, which is all that a cache has done.
private final class ClosingRing: ReactorRing {
    private(set) var closed: [Int32] = []

    func closeFile(_ file: Int32) { closed.append(file) }

    func armAccept() { fatalError() }
    func cancelAccept() { fatalError() }
    func closeListener() { fatalError() }
    func identify(_ connection: ConnectionNumber) { fatalError() }
    func armReceive(_ connection: ConnectionNumber, _ extent: ReceiveExtent) { fatalError() }
    func cancelReceive(_ connection: ConnectionNumber) { fatalError() }
    func send(_ lease: consuming PooledBuffer, from offset: Int, to connection: ConnectionNumber, mayZeroCopy: Bool) {
        fatalError()
    }
    func cancelSend(_ connection: ConnectionNumber) { fatalError() }
    func shutdownWrite(_ connection: ConnectionNumber) { fatalError() }
    func close(_ connection: ConnectionNumber) { fatalError() }
    func reset(_ connection: ConnectionNumber) { fatalError() }
    func setTimer(_ timer: ReactorTimer, seconds: Double) { fatalError() }
    func perform(_ operation: consuming RingOperation, token: OperationToken) { fatalError() }
    func cancel(_ token: OperationToken) { fatalError() }
    func isResident(_ file: Int32, _ range: Range<Int>) -> Bool { true }
    var wallClockSeconds: Int { 0 }
    func takeBuffer(_ byteCount: Int) -> PooledBuffer? { nil }
    var availableBufferCount: Int { 0 }
    func refill() {}
    var isAboveRest: Bool { false }
    func trim(olderThanSeconds seconds: Double) {}
    func beginRest() {}
    func wait(isPolling: Bool) throws(RingError) {}
    func forEachEvent(_ body: (consuming ReactorEvent) -> Void) {}
    func close() {}
    func abandon() {}
}

private struct SilentBell: Bell {
    func ring() {}
}
