import TestSupport
import Testing

@testable import ZeroPool

@Suite("Trimming")
struct TrimTests {
    @Test("what another thread used a moment after the clock was read is new, not as old as can be")
    func stampFromAMomentLater() {
        #expect(IdleClock.elapsed(since: 101, at: 100) == 0)
        #expect(IdleClock.elapsed(since: 100, at: 103) == 3)
        #expect(IdleClock.elapsed(since: .max, at: 1) == 2)
    }

    private let clock = HandClock(tick: 1000)
    private static let arena = 2 << 20

    private func makePool(
        cache: Int = 0, shards: Int = 1, maxIdleSeconds: Double = .infinity, clock: HandClock? = nil
    ) -> BufferPool {
        let configuration = BufferPool.builder().tlsCacheSize(cache).numShards(shards).maxBuffersPerShard(100)
            .maxIdleByteCount(.max).maxIdleSeconds(maxIdleSeconds).configuration
        return BufferPool(configuration, clock: .byHand(clock ?? self.clock))
    }

    private func touch(_ pool: BufferPool, _ byteCount: Int = 65536, count: Int = 1) {
        let leases = (0..<count).map { _ in LeaseBox(pool.get(byteCount)) }
        withExtendedLifetime(leases) {}
    }

    @Test("gives the arenas back of which nothing is out, the thread's cache included, and no others")
    func trims() {
        let pool = makePool(cache: 8)
        let kept = LeaseBox(pool.get(65536))
        touch(pool, count: 50)
        touch(pool, 4 << 20)
        #expect(pool.statistics().mappedByteCount == 4 * Self.arena)
        pool.trim()
        // 31 share the arena of the lease.
        #expect(pool.statistics().mappedByteCount == Self.arena)
        #expect(pool.statistics().idleByteCount == 31 * 65536)
        kept.buffer = nil
        pool.trim()
        #expect(pool.statistics().mappedByteCount == 0)
        #expect(pool.isEmpty)
        touch(pool)
        #expect(pool.statistics().mappedByteCount == Self.arena)
    }

    @Test("asks the arenas' observers")
    func asksObservers() {
        let pool = makePool()
        var observer = pool.observeArenas(ofShard: 0)
        touch(pool)
        observer.poll { _ in .hold }
        pool.trim()
        #expect(pool.statistics().mappedByteCount == Self.arena)
        #expect(pool.isEmpty, "an arena that is leaving holds nothing idle")
        var events: [String] = []
        observer.poll { event in
            if case .mayGo = event { events.append("may go") } else { events.append("made") }
            return .release
        }
        #expect(events == ["may go"])
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test(
        "what other threads have cached stays until they come by a slow path, and then goes by itself",
        arguments: [true, false])
    func asksOtherThreads(byClearing: Bool) {
        let pool = makePool(cache: 4)
        let (isCached, wasAsked, hasCome, mayEnd) = (Gate(), Gate(), Gate(), Gate())
        let thread = Thread {
            self.touch(pool)
            isCached.open()
            wasAsked.wait()
            // A class that no cache takes: it has nothing to do with what is cached.
            self.touch(pool, 32 << 20)
            hasCome.open()
            mayEnd.wait()
        }
        isCached.wait()
        if byClearing { pool.clear() } else { pool.trim() }
        #expect(pool.statistics().mappedByteCount == Self.arena)
        #expect(pool.count == 1)
        wasAsked.open()
        hasCome.wait()
        #expect(pool.statistics().mappedByteCount == 32 << 20)
        #expect(pool.count == 1)
        mayEnd.open()
        thread.join()
    }

    @Test("what came into use after the request stays when a thread heeds it late")
    func lateThread() {
        let pool = makePool(cache: 4)
        let (isCached, mayCome) = (Gate(), Gate())
        let hasCome = Gate()
        let mayEnd = Gate()
        let thread = Thread {
            self.touch(pool)
            isCached.open()
            mayCome.wait()
            self.touch(pool, 32 << 20)
            hasCome.open()
            mayEnd.wait()
        }
        isCached.wait()
        pool.trim()
        clock.advance(seconds: 1)
        pool.preallocate(count: 1, byteCount: 4 << 20)
        mayCome.open()
        hasCome.wait()
        #expect(pool.statistics().mappedByteCount == 36 << 20, "the thread's own cache has gone, and nothing else")
        mayEnd.open()
        thread.join()
    }

    @Test("what waited to go home to another shard goes too when its thread heeds the request")
    func outboxes() {
        let pool = makePool(cache: 4, shards: 2)
        pool.bindCurrentThread(toShard: 0)
        let box = LeaseBox(pool.get(65536))
        let (isReturned, mayCome, hasCome, mayEnd) = (Gate(), Gate(), Gate(), Gate())
        let thread = Thread {
            pool.bindCurrentThread(toShard: 1)
            box.buffer = nil
            isReturned.open()
            mayCome.wait()
            self.touch(pool, 32 << 20)
            hasCome.open()
            mayEnd.wait()
        }
        isReturned.wait()
        pool.trim()
        #expect(pool.statistics().mappedByteCount == Self.arena)
        mayCome.open()
        hasCome.wait()
        #expect(pool.statistics().mappedByteCount == 32 << 20)
        mayEnd.open()
        thread.join()
    }

    @Test(
        "by age, on slow paths: not before its time, counted from the last use of any part",
        arguments: [1000, UInt32.max - 300])
    func byAge(firstTick: UInt32) {
        let clock = HandClock(tick: firstTick)
        let pool = makePool(maxIdleSeconds: 8, clock: clock)
        touch(pool, count: 40)
        clock.advance(seconds: 6)
        // One of the first arena is used again; nothing is old enough yet.
        touch(pool)
        #expect(pool.statistics().mappedByteCount == 2 * Self.arena)
        clock.advance(seconds: 3)
        touch(pool, 4 << 20)
        #expect(pool.statistics().mappedByteCount == Self.arena + (4 << 20), "one arena was not used for 9 s")
        clock.advance(seconds: 3)
        touch(pool, 4 << 20)
        #expect(pool.statistics().mappedByteCount == Self.arena + (4 << 20))
        clock.advance(seconds: 3)
        touch(pool, 4 << 20)
        #expect(pool.statistics().mappedByteCount == 4 << 20)
    }

    @Test("memory is looked at every quarter of the age at most, and gets do it as well as returns")
    func quarters() {
        let pool = makePool(maxIdleSeconds: 8)
        touch(pool, 4 << 20)
        clock.advance(seconds: 7)
        touch(pool)
        // Old enough by now, but looked at a second ago.
        clock.advance(seconds: 1.5)
        touch(pool)
        #expect(pool.statistics().mappedByteCount == Self.arena + (4 << 20))
        clock.advance(seconds: 1)
        let lease = LeaseBox(pool.get(65536))
        #expect(pool.statistics().mappedByteCount == Self.arena)
        withExtendedLifetime(lease) {}
    }

    @Test("never, where the age is infinite")
    func never() {
        let pool = makePool(maxIdleSeconds: .infinity)
        touch(pool, 4 << 20)
        clock.advance(seconds: 1e6)
        touch(pool)
        #expect(pool.statistics().mappedByteCount == Self.arena + (4 << 20))
    }

    @Test("what a thread cached and did not use for the age goes with it, from its last use on")
    func cachesByAge() {
        let pool = makePool(cache: 4, maxIdleSeconds: 8)
        touch(pool, 16384)
        touch(pool, 4 << 20)
        // The slow path, each time, is that of a class that no cache takes.
        for _ in 0..<5 {
            clock.advance(seconds: 3)
            touch(pool, 16384)
            touch(pool, 32 << 20)
        }
        // The 4 MiB went home and on; the 16 KiB are still cached, since they are used.
        #expect(pool.statistics().mappedByteCount == Self.arena + (32 << 20))
        #expect(pool.statistics().gets.cache == 5)
    }

    @Test("a reactor's timer gives back what its thread and shard did not use, and nothing that they did")
    func byTimer() {
        let pool = makePool(cache: 4)
        touch(pool, 4 << 20)
        for _ in 0..<4 {
            touch(pool, 16384)
            clock.advance(seconds: 1)
            pool.trim(olderThanSeconds: 3.5)
        }
        #expect(pool.statistics().mappedByteCount == Self.arena)
        #expect(pool.statistics().gets.cache == 3, "16 KiB were never handed home")
        for _ in 0..<4 {
            #expect(pool.statistics().mappedByteCount == Self.arena)
            clock.advance(seconds: 1)
            pool.trim(olderThanSeconds: 3.5)
        }
        #expect(pool.statistics().mappedByteCount == 0)
        touch(pool)
        pool.trim(olderThanSeconds: 0)
        #expect(pool.statistics().mappedByteCount == 0)
        touch(pool)
        clock.advance(seconds: 1e6)
        pool.trim(olderThanSeconds: .infinity)
        #expect(pool.count == 1)
    }

    @Test("the timer sends home what waits to go to other shards, and leaves those shards alone")
    func timerOfOneShard() {
        let pool = makePool(cache: 8, shards: 2)
        pool.bindCurrentThread(toShard: 0)
        let foreign = (0..<3).map { _ in LeaseBox(pool.get(65536)) }
        pool.bindCurrentThread(toShard: 1)
        touch(pool)
        for box in foreign { box.buffer = nil }
        #expect(pool.statistics().idleByteCount == 0)
        pool.trim(olderThanSeconds: 0)
        #expect(pool.statistics().idleByteCount == 3 * 65536)
        #expect(pool.statistics().mappedByteCount == Self.arena, "the other shard's")
        #expect(pool.count == 3)
    }

    @Test("an age that is none traps")
    func impossibleAge() async {
        await #expect(processExitsWith: .failure) { BufferPool().trim(olderThanSeconds: -1) }
        await #expect(processExitsWith: .failure) { BufferPool().trim(olderThanSeconds: .nan) }
    }

    @Test("a closed pool has nothing to trim, and leases outlive that")
    func closed() {
        let pool = makePool(cache: 4)
        let lease = LeaseBox(pool.get(65536))
        pool.close()
        pool.trim()
        pool.trim(olderThanSeconds: 0)
        pool.clear()
        pool.shrink(toIdleByteCount: 0)
        #expect(pool.preallocate(count: 3, byteCount: 65536) == 0)
        #expect(pool.statistics().mappedByteCount == Self.arena)
        #expect(pool.isEmpty)
        lease.buffer = nil
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("the system's clock goes on, in ticks of 17 ms")
    func systemClock() {
        #expect(IdleClock.ticks(seconds: 1) == 60)
        #expect(IdleClock.ticks(seconds: 0) == 0)
        #expect(IdleClock.ticks(seconds: 1e-9) == 1)
        #expect(IdleClock.ticks(seconds: .infinity) == nil)
        #expect(IdleClock.ticks(seconds: 400 * 86400) != nil)
        let first = IdleClock.system.now
        // As long as it takes: it hangs if the clock stands still.
        while IdleClock.system.now == first {}
        #expect(IdleClock.system.now &- first < 1 << 20)
    }
}
