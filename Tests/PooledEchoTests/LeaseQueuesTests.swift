import Testing
import ZeroPool

@testable import PooledEcho

@Suite("LeaseQueues")
struct LeaseQueuesTests {
    private let pool = BufferPool.builder().build()

    private func lease(_ value: UInt8) -> PooledBuffer {
        var lease = pool.get(4096)
        lease.append { output in output.append(value) }
        return lease
    }

    private func pop(_ queues: inout LeaseQueues, _ queue: inout LeaseQueues.Queue) -> UInt8? {
        guard let lease = queues.pop(from: &queue) else { return nil }
        return [UInt8](copying: lease)[0]
    }

    @Test("each queue keeps its own order, through growth")
    func keepsOrder() {
        var queues = LeaseQueues(capacity: 2)
        var (one, other) = (LeaseQueues.Queue(), LeaseQueues.Queue())
        for value in 0..<10 as Range<UInt8> {
            queues.push(lease(value), to: &one)
            queues.push(lease(100 + value), to: &other)
        }
        #expect(queues.count == 20)
        for value in 0..<10 as Range<UInt8> {
            #expect(pop(&queues, &one) == value)
            #expect(pop(&queues, &other) == 100 + value)
        }
        #expect(pop(&queues, &one) == nil)
        #expect(one.isEmpty)
        #expect(queues.count == 0)
    }

    @Test("what is put back goes first")
    func pushFirst() {
        var queues = LeaseQueues()
        var queue = LeaseQueues.Queue()
        queues.pushFirst(lease(1), to: &queue)
        queues.push(lease(2), to: &queue)
        queues.pushFirst(lease(0), to: &queue)
        queues.push(lease(3), to: &queue)
        for value in 0..<4 as Range<UInt8> { #expect(pop(&queues, &queue) == value) }
        #expect(queue.isEmpty)
    }

    @Test("what is dropped goes back to its pool")
    func removeAllReturns() {
        let pool = BufferPool.builder().tlsCacheSize(0).numShards(1).build()
        var queues = LeaseQueues()
        var queue = LeaseQueues.Queue()
        for _ in 0..<5 { queues.push(pool.get(4096), to: &queue) }
        queues.removeAll(from: &queue)
        #expect(pool.statistics().returns.home == 5)
        queues.push(pool.get(4096), to: &queue)
        #expect(queues.count == 1)
        queues.removeAll(from: &queue)
    }
}
