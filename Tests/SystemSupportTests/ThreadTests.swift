import Glibc
import Synchronization
import SystemSupport
import Testing

@Suite("SystemThread and Latch")
struct ThreadTests {
    @Test("A thread gives its result to the one that joins it")
    func result() throws {
        let own = pthread_self()
        #expect(try SystemThread { pthread_self() }.join() != own)
        #expect(try SystemThread { [1, 2, 3] }.join() == [1, 2, 3])
    }

    @Test("A thread that nobody joins runs to its end, and frees what it captured")
    func detached() throws {
        final class Captured: Sendable {
            let ended: Latch<Never>
            init(_ ended: Latch<Never>) { self.ended = ended }
            deinit { ended.arrive() }
        }
        let ended = Latch<Never>(count: 2)
        do {
            let captured = Captured(ended)
            _ = try SystemThread { captured.ended.arrive() }
        }
        ended.wait()
    }

    @Test("A latch holds threads until the last has arrived")
    func latch() throws {
        let count = 4
        let latch = Latch<Never>(count: count)
        let passedCount = Counter()
        let threads = try (1..<count).map { _ in
            try SystemThread {
                latch.arriveAndWait()
                passedCount.value.add(1, ordering: .relaxed)
            }
        }
        usleep(20_000)
        #expect(passedCount.value.load(ordering: .relaxed) == 0)
        latch.arriveAndWait()
        for thread in threads { thread.join() }
        #expect(passedCount.value.load(ordering: .relaxed) == count - 1)
    }

    @Test("Whoever waits at a latch gets the first failure, after all have arrived")
    func failure() throws {
        let latch = Latch<SystemError>(count: 3)
        latch.arrive()
        latch.fail(SystemError("first", errno: 1))
        let waiter = try SystemThread { Result { () throws(SystemError) in try latch.wait() } }
        latch.fail(SystemError("second", errno: 2))
        #expect(throws: SystemError("first", errno: 1)) { try waiter.join().get() }
        Latch<Never>(count: 0).wait()
    }

    @Test("A latch refuses more arrivals than it waits for")
    func surplus() async {
        await #expect(processExitsWith: .failure) { Latch<Never>(count: 0).arrive() }
    }

    @Test("A monitor wakes who waits for a value, and gives it")
    func monitor() throws {
        let queue = Monitor<[Int]>([])
        let taker = try SystemThread {
            (0..<100).map { _ in queue.wait { $0.isEmpty ? nil : $0.removeFirst() } }
        }
        for number in 0..<100 { queue.withLock { $0.append(number) } }
        #expect(taker.join() == Array(0..<100))
    }

    private final class Counter: Sendable {
        let value = Atomic(0)
    }
}
