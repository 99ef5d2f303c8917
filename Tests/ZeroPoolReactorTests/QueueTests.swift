import Testing
import ZeroPool

@testable import ZeroPoolReactor
import TestSupport

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
        queues.removeAll(from: queue)
        #expect(pool.statistics().returns.home == 5)
        queues.push(pool.get(4096), to: &queue)
        #expect(queues.count == 1)
        queues.removeAll(from: queue)
    }
}

@Suite("WaitingLine")
struct WaitingLineTests {
    private func all(_ list: inout WaitingLine) -> [ConnectionNumber] {
        var numbers: [ConnectionNumber] = []
        while let number = list.popFirst() { numbers.append(number) }
        return numbers
    }

    /// A value that can't be copied can't stand in `#expect`.
    private func expect(_ list: borrowing WaitingLine, count: Int, _ comment: Comment? = nil) {
        let (isEmpty, actual) = (list.isEmpty, list.count)
        #expect(actual == count && isEmpty == (count == 0), comment)
    }

    @Test("who waits longest comes first")
    func order() {
        var list = WaitingLine(capacity: 4)
        expect(list, count: 0)
        for number in [2, 0, 3] as [ConnectionNumber] { list.append(number) }
        expect(list, count: 3)
        let numbers = all(&list)
        #expect(numbers == [2, 0, 3])
        expect(list, count: 0)
    }

    @Test("whoever leaves, the others keep their order", arguments: 0..<4 as Range<ConnectionNumber>)
    func removal(leaving: ConnectionNumber) {
        var list = WaitingLine(capacity: 4)
        for number in 0..<4 as Range<ConnectionNumber> { list.append(number) }
        list.remove(leaving)
        list.append(leaving)
        let numbers = all(&list)
        #expect(numbers == (0..<4).filter { $0 != leaving } + [leaving])
    }

    @Test("it does as an array does, whatever the order of calls")
    func model() {
        var random = SystemRandomNumberGenerator()
        let seed = random.next()
        var state = seed
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var list = WaitingLine(capacity: 16)
        var model: [ConnectionNumber] = []
        for step in 0..<10_000 {
            let number = ConnectionNumber(next(16))
            if next(4) == 0 {
                let first = list.popFirst()
                #expect(first == (model.isEmpty ? nil : model.removeFirst()), "seed \(seed), step \(step)")
            } else if let index = model.firstIndex(of: number) {
                list.remove(number)
                model.remove(at: index)
            } else {
                list.append(number)
                model.append(number)
            }
            expect(list, count: model.count, "seed \(seed), step \(step)")
        }
        let numbers = all(&list)
        #expect(numbers == model, "seed \(seed)")
    }
}
