import Testing
import ZeroPool
import ZeroPoolURing

@testable import PooledEcho

@Suite("FileTable")
struct FileTableTests {
    /// A table, and the descriptors that it closed.
    private final class World {
        var table: FileTable
        var closed: [Int32] = []
        let pool = BufferPool()
        private var descriptorCount: Int32 = 0

        init(capacity: Int = 8, lifeTicks: Int = 4, maxKeptByteCount: Int = 0) {
            table = FileTable(capacity: capacity, lifeTicks: lifeTicks, maxKeptByteCount: maxKeptByteCount)
        }

        func find(_ path: String, _ aspect: FileTable.Aspect = .file) -> FileTable.Index? {
            table.find(Array(path.utf8).span.bytes, aspect)
        }

        /// Adds a new file, in use.
        func add(_ path: String, _ aspect: FileTable.Aspect = .file, isPassing: Bool = false) -> FileTable.Index {
            descriptorCount += 1
            let time = FileStatus.Time(seconds: 0)
            let status = FileStatus(kind: .regular, byteCount: 1, number: 1, modified: time, changed: time)
            let path = Array(path.utf8)
            let file = OpenFile(
                descriptor: descriptorCount, status: status, path: path.span.bytes, listing: nil)
            return table.add(file, path: path.span.bytes, aspect, isPassing: isPassing) { closed.append($0) }
        }

        func end(_ index: FileTable.Index) { table.end(index) { closed.append($0) } }

        /// Has a response kept, if it may be, which then is the number of its file's descriptor.
        func keep(_ index: FileTable.Index) {
            var response = pool.get(4096)
            response.append(copying: [UInt8(truncatingIfNeeded: descriptor(index))].span.bytes)
            _ = table.keep(response, with: index)
        }

        /// The number in the response that is kept.
        func kept(_ index: FileTable.Index) -> UInt8? {
            guard let response = table.response(index) else { return nil }
            return [UInt8](copying: response)[0]
        }

        func descriptor(_ index: FileTable.Index) -> Int32 { table[index].descriptor }
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
            world.table.advanceTick { world.closed.append($0) }
        }
        // It is closed then, also when nobody asks for it.
        #expect(world.closed == [1] && world.table.listedCount == 0)
        #expect(world.find("a/b") == nil)
    }

    @Test("what is in use stays open until its last use ends, though nobody finds it any more")
    func use() throws {
        let world = World()
        let first = world.add("a")
        let second = try #require(world.find("a"))
        #expect(first == second)
        world.table.unlistIfListed(first) { world.closed.append($0) }
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
        #expect(world.find("a") == new && world.table.listedCount == 1)
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
        #expect(world.kept(first) == 1 && world.table.keptByteCount == 4096)
        // Others have no part in it, and find room as long as there is some.
        for (path, keptByteCount) in [("b", 8192), ("c", 8192)] {
            let other = world.add(path)
            #expect(world.find(path) == other && world.kept(other) == nil)
            world.keep(other)
            #expect(world.table.keptByteCount == keptByteCount)
        }
        // Who is sending it still has it.
        guard let response = world.table.response(first) else { preconditionFailure("a response is kept") }
        let share = LeaseBox(response)
        world.table.unlistIfListed(first) { world.closed.append($0) }
        #expect(world.kept(first) == nil && world.table.keptByteCount == 4096 && world.pool.leasedBufferCount == 2)
        #expect(share.bytes(0..<1) == [1])
        world.table.forgetResponses()
        #expect(world.table.keptByteCount == 0 && world.pool.leasedBufferCount == 1)
        _ = share.take()
        #expect(world.pool.leasedBufferCount == 0)
    }

    @Test("every file is closed once, and every response is its file's, whatever happens", arguments: 0..<20)
    func random(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let world = World(
            capacity: random.integer(1, 6), lifeTicks: random.integer(0, 3),
            maxKeptByteCount: 4096 * random.integer(0, 5))
        var uses: [FileTable.Index] = []
        for _ in 0..<500 {
            switch random.integer(0, 7) {
            case 0, 1, 2:
                let path = String(repeating: "p", count: random.integer(1, 12))
                uses.append(world.find(path) ?? world.add(path, isPassing: random.chance(0.1)))
            case 3: world.table.advanceTick { world.closed.append($0) }
            case 4, 5: if !uses.isEmpty { world.keep(uses[random.integer(0, uses.count - 1)]) }
            case 6: if random.chance(0.2) { world.table.forgetResponses() }
            default:
                guard !uses.isEmpty else { break }
                world.end(uses.remove(at: random.integer(0, uses.count - 1)))
            }
            #expect(world.table.listedCount <= world.table.capacity)
            #expect(world.table.keptByteCount <= world.table.maxKeptByteCount)
            for index in uses {
                let descriptor = world.descriptor(index)
                #expect(!world.closed.contains(descriptor))
                #expect(world.kept(index).map { $0 == UInt8(truncatingIfNeeded: descriptor) } ?? true)
            }
        }
        for index in uses { world.end(index) }
        world.table.unlistAll { world.closed.append($0) }
        #expect(world.closed.sorted() == (1...Int32(world.closed.count)).map { $0 })
        #expect(world.table.keptByteCount == 0 && world.pool.leasedBufferCount == 0)
    }
}
