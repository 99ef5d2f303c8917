import TestSupport
import Testing

@testable import ZeroPool

@Suite("ArenaObserver")
struct ArenaObserverTests {
    private let pool = BufferPool.builder().tlsCacheSize(0).maxBuffersPerShard(0).numShards(1).build()

    @Test("hears of the arenas that exist, and of each new one, once")
    func hearsOfArenas() {
        let first = LeaseBox(pool.get(65536))
        var observer = pool.observeArenas(ofShard: 0)
        var made: [Arena] = []
        func poll(_ observer: inout ArenaObserver) {
            observer.poll { event in
                if case .made(let arena) = event { made.append(arena) } else { Issue.record("\(event)") }
                return .hold
            }
        }
        let hadNews = observer.hasNews
        #expect(hadNews)
        poll(&observer)
        #expect(made.map { $0.index } == [0])
        #expect(made[0].contains(UnsafeRawPointer(bitPattern: first.range.lowerBound)!, byteCount: 65536))
        #expect(made[0].byteCount == 2 << 20)
        let quiet = observer.hasNews
        #expect(!quiet)
        let large = LeaseBox(pool.get(4 << 20))
        let hasNews = observer.hasNews
        #expect(hasNews)
        poll(&observer)
        poll(&observer)
        #expect(made.map { $0.index } == [0, 1])
        #expect(made[1].byteCount == 4 << 20)
        #expect(large.location.arena == 1)
    }

    @Test("an arena goes only when its observer lets it")
    func arenaWaitsForConsent() {
        var observer = pool.observeArenas(ofShard: 0)
        do { _ = pool.get(65536) }
        #expect(pool.statistics().mappedByteCount == 0, "nobody holds it yet")
        do {
            let box = LeaseBox(pool.get(65536))
            observer.poll { _ in .hold }
            _ = box
        }
        #expect(pool.statistics().mappedByteCount == 2 << 20)
        var asked = 0
        func poll(_ observer: inout ArenaObserver, reply: ArenaReply) {
            observer.poll { event in
                if case .mayGo = event { asked += 1 } else { Issue.record("\(event)") }
                return reply
            }
        }
        poll(&observer, reply: .hold)
        #expect(pool.statistics().mappedByteCount == 2 << 20)
        let isStillNews = observer.hasNews
        #expect(isStillNews, "it will be asked again")
        poll(&observer, reply: .release)
        #expect(asked == 2)
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("an arena in use again is not asked for, and is announced again when it was let go")
    func revival() {
        var observer = pool.observeArenas(ofShard: 0)
        do {
            let box = LeaseBox(pool.get(65536))
            observer.poll { _ in .hold }
            _ = box
        }
        // Leaving, but it comes into use before the observer is asked.
        let again = LeaseBox(pool.get(65536))
        observer.poll { event in
            Issue.record("nothing to say, but \(event)")
            return .release
        }
        again.buffer = nil
        // Leaving again; in use between the question and the reply.
        var revived: LeaseBox?
        observer.poll { event in
            revived = LeaseBox(pool.get(65536))
            return .release
        }
        #expect(pool.statistics().mappedByteCount == 2 << 20)
        var events = 0
        observer.poll { event in
            if case .made = event { events += 1 }
            return .release
        }
        #expect(events == 1)
        #expect(revived != nil)
        revived = nil
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("an arena without use for the observer goes without asking")
    func declined() {
        var observer = pool.observeArenas(ofShard: 0)
        do {
            let box = LeaseBox(pool.get(65536))
            observer.poll { _ in .release }
            _ = box
        }
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("every observer has to agree, and one that ends agrees")
    func everyObserverAgrees() {
        var one = pool.observeArenas(ofShard: 0)
        do {
            var other = pool.observeArenas(ofShard: 0)
            do {
                let box = LeaseBox(pool.get(65536))
                one.poll { _ in .hold }
                other.poll { _ in .hold }
                _ = box
            }
            one.poll { _ in .release }
            #expect(pool.statistics().mappedByteCount == 2 << 20)
        }
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("who agreed hears of an arena anew that another held until it was in use again")
    func comesBackToWhoAgreed() {
        var agreeing = pool.observeArenas(ofShard: 0)
        var holding = pool.observeArenas(ofShard: 0)
        do {
            let box = LeaseBox(pool.get(65536))
            agreeing.poll { _ in .hold }
            holding.poll { _ in .hold }
            _ = box
        }
        agreeing.poll { _ in .release }
        holding.poll { _ in .hold }
        // It hears of nothing that is not in use.
        agreeing.poll { event in
            Issue.record("\(event)")
            return .hold
        }
        let box = LeaseBox(pool.get(65536))
        #expect(box.location.arena == 0)
        let hasNews = agreeing.hasNews
        #expect(hasNews)
        var made: [Int] = []
        agreeing.poll { event in
            if case .made(let arena) = event { made.append(arena.index) } else { Issue.record("\(event)") }
            return .hold
        }
        holding.poll { event in
            Issue.record("\(event)")
            return .hold
        }
        #expect(made == [0])
    }

    @Test("who comes while an arena waits for another's consent has news of both: that it is there, and that it may go")
    func comesToALeavingArena() {
        var one = pool.observeArenas(ofShard: 0)
        do {
            let box = LeaseBox(pool.get(65536))
            one.poll { _ in .hold }
            _ = box
        }
        var other = pool.observeArenas(ofShard: 0)
        other.poll { _ in .hold }
        let isAsked = other.hasNews
        #expect(isAsked)
        other.poll { _ in .release }
        one.poll { _ in .release }
        #expect(pool.statistics().mappedByteCount == 0)
    }

    @Test("closing waits for the observer too")
    func closingWaits() {
        let pool = BufferPool.builder().numShards(1).build()
        var observer = pool.observeArenas(ofShard: 0)
        do { _ = pool.get(65536) }
        observer.poll { _ in .hold }
        pool.close()
        #expect(pool.statistics().mappedByteCount == 2 << 20)
        observer.poll { _ in .release }
        #expect(pool.statistics().mappedByteCount == 0)
    }
}
