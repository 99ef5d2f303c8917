import Testing

@testable import ZeroPool

@Suite("Carving")
struct CarvingTests {
    @Test("the lowest arena with room serves, however full it was before")
    func lowestArenaServes() {
        let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).numShards(1).build()
        // Three arenas of 32 buffers each, full.
        let boxes = (0..<96).map { _ in LeaseBox(pool.get(65536)) }
        #expect(boxes.map(\.location.arena) == (0..<96).map { $0 / 32 })
        // Two neighbours in arena 1 make room for one twice the size; arena 0 stays full.
        boxes[40].buffer = nil
        boxes[41].buffer = nil
        let double = LeaseBox(pool.get(131072))
        #expect(double.location.arena == 1)
        boxes[7].buffer = nil
        boxes[90].buffer = nil
        let low = LeaseBox(pool.get(65536))
        #expect(low.location.arena == 0)
        let high = LeaseBox(pool.get(65536))
        #expect(high.location.arena == 2)
        let next = LeaseBox(pool.get(65536))
        #expect(next.location.arena == 3)
    }

    @Test("an arena too fragmented for a size is passed for that size alone, and found again once it has room")
    func fragmentedArena() {
        let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).numShards(1).build()
        let boxes = (0..<64).map { _ in LeaseBox(pool.get(65536)) }
        for index in stride(from: 0, to: 64, by: 2) { boxes[index].buffer = nil }
        let doubles = (0..<2).map { _ in LeaseBox(pool.get(131072)) }
        #expect(doubles.map(\.location.arena) == [2, 2])
        let single = LeaseBox(pool.get(65536))
        #expect(single.location.arena == 0)
        boxes[5].buffer = nil
        let next = LeaseBox(pool.get(131072))
        #expect(next.location.arena == 0)
        withExtendedLifetime(doubles + [single, next]) {}
    }

    @Test("an arena that has gone in the middle is mapped anew before one at the end")
    func goneArenaIsMappedAnew() {
        let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).numShards(1).build()
        var boxes = (0..<96).map { _ in LeaseBox(pool.get(65536)) }
        for box in boxes[32..<64] { box.buffer = nil }
        #expect(pool.statistics().mappedByteCount == 2 * (2 << 20))
        for _ in 0..<33 { boxes.append(LeaseBox(pool.get(65536))) }
        #expect(boxes[96..<128].allSatisfy { $0.location.arena == 1 })
        #expect(boxes[128].location.arena == 3)
        boxes.removeAll()
        #expect(pool.statistics().mappedByteCount == 0)
    }
}
