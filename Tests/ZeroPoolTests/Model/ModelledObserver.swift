import TestSupport
@testable import ZeroPool

/// An observer of a shard's arenas, which holds some of them, and what it knows.
///
/// Used on the thread that made it alone.
final class ModelledObserver {
    /// An arena that it was told of.
    private struct Known {
        let range: Range<UInt>
        let isHeld: Bool
    }

    let pool: ModelledPool
    let shard: Int
    let thread: Int
    private var observer: ArenaObserver?
    /// By the arena's index.
    private var known: [Int: Known] = [:]

    init(_ pool: ModelledPool, shard: Int, thread: Int) {
        self.pool = pool
        self.shard = shard
        self.thread = thread
        observer = pool.owned.observeArenas(ofShard: shard)
    }

    /// Hears the news, and replies as `answer` says.
    func poll(_ answer: (ArenaEvent) -> ArenaReply) {
        let hasNews = observer?.hasNews ?? false
        // Others may take more meanwhile.
        let leases = pool.leases
        var consented: [Int] = []
        observer?.poll { event in
            pool.require(hasNews, "an observer that is told something had news")
            let reply = answer(event)
            switch event {
            case .made(let arena):
                pool.trace.note(reply == .hold ? "holds an arena" : "declines an arena", pool: pool.number, arena.index)
                pool.require(known[arena.index]?.isHeld != true, "what is held is not announced again", arena.index)
                known[arena.index] = Known(range: arena.addresses, isHeld: reply == .hold)
            case .mayGo(let arena):
                pool.trace.note(reply == .hold ? "keeps an arena" : "lets an arena go", pool: pool.number, arena.index)
                let isHeld = known[arena.index].map { $0.isHeld && $0.range == arena.addresses } ?? false
                pool.require(isHeld, "who is asked holds the arena", arena.index)
                pool.require(
                    !leases.contains { $0.range.overlaps(arena.addresses) }, "what may go has no lease in it",
                    arena.index)
                if reply == .release { consented.append(arena.index) }
            }
            return reply
        }
        for index in consented { known[index] = nil }
        for lease in leases where !lease.isTransient && lease.location.shard == shard {
            pool.require(
                known[lease.location.arena]?.range.contains(lease.range.lowerBound) == true,
                "who has polled knows each arena that leases are from", lease.location.arena)
        }
    }

    /// What it holds is mapped, and is what it was told.
    func check(_ leases: [ModelledLease]) {
        for (index, arena) in known where arena.isHeld {
            let memory = UnsafeMutableRawBufferPointer(
                start: UnsafeMutableRawPointer(bitPattern: arena.range.lowerBound), count: arena.range.count)
            pool.require(memory.isMapped, "what an observer holds stays mapped", index)
            let isOthers = leases.contains {
                $0.range.overlaps(arena.range) && $0.location != BufferLocation(shard: shard, arena: index)
            }
            pool.require(!isOthers, "what an observer holds is no other arena's", index)
        }
    }

    /// Lets go of all.
    func end() {
        known = [:]
        observer = nil
    }
}

extension Arena {
    fileprivate var addresses: Range<UInt> {
        UInt(bitPattern: baseAddress)..<UInt(bitPattern: baseAddress) + UInt(byteCount)
    }
}
