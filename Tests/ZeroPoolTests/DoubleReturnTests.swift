import Testing

@testable import ZeroPool

@Suite("Double returns, which only unsafe code can make")
struct DoubleReturnTests {
    @Test("are found where the buffer is idle already")
    func idle() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().tlsCacheSize(0).build()
            let box = LeaseBox(pool.get(65536))
            let copy = duplicate(box)
            box.buffer = nil
            copy.buffer = nil
        }
        #expect(says(result, "ZeroPool: a buffer was returned twice"))
    }

    @Test("are found where the buffer is a free part of its arena already, merged or not")
    func uncarved() async {
        let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
            let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).build()
            let other = LeaseBox(pool.get(65536))
            let box = LeaseBox(pool.get(65536))
            let copy = duplicate(box)
            box.buffer = nil
            copy.buffer = nil
            _ = other
        }
        #expect(says(result, "ZeroPool: a buffer was returned twice"))
        await #expect(processExitsWith: .failure) {
            var map = BuddyMap(maximumOrder: 9)
            let units = [map.take(order: 0)!, map.take(order: 0)!]
            for unit in units { map.giveBack(unit: unit, order: 0) }
            map.giveBack(unit: units[0], order: 0)
        }
    }
}
