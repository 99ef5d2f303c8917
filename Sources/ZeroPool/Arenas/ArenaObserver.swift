import Synchronization

/// An event of a shard's arenas.
public enum ArenaEvent: Sendable {
    /// The shard has a new arena (or had it before the observer came).
    case made(Arena)
    /// Nothing is carved from the arena any more, and the shard would give it back to the system.
    case mayGo(Arena)
}

/// An observer's answer to an event.
public enum ArenaReply: Sendable {
    /// To `made`: I use the arena as a whole (a ring has registered it); ask before it goes.
    /// To `mayGo`: not yet; ask again at the next poll.
    case hold
    /// To `made`: I have no use for it; it may come and go without me.
    /// To `mayGo`: I have let go of it (a ring has unregistered it); it may go.
    case release
}

/// Watches the arenas of one shard, so that a ring knows what to register and when to unregister.
///
/// It is polled, because a single-issuer ring accepts registrations only from its own thread, while any thread may make
/// or empty an arena. The shard records events, and the ring's thread asks for them. `hasNews` is cheap enough to ask
/// before every use.
///
/// An arena that an observer holds is never unmapped. An arena that it has released is unmapped when the other
/// observers agree; it gets no event for that.
///
/// Not Sendable: poll on the thread that made it. The end of its lifetime releases all arenas that it holds, so
/// unregister them first.
public struct ArenaObserver: ~Copyable {
    private let shard: Shard
    private let core: PoolCore
    private let bit: UInt64
    private var heard: UInt64

    init(core: PoolCore, shard: Shard) {
        self.core = core
        self.shard = shard
        bit = shard.addObserver()
        // One behind: the arenas that exist already are to be heard of.
        heard = shard.news.load(ordering: .acquiring) &- 1
    }

    deinit { shard.removeObserver(bit) }

    /// Whether a poll has events. Cost: one relaxed load of a line that seldom changes.
    public var hasNews: Bool { shard.news.load(ordering: .relaxed) != heard }

    /// Calls `reply` with each event since the last poll, on this thread and outside all locks.
    ///
    /// Within `reply`, the arena is mapped and stays so. Takes the shard's lock at most twice. Allocates only when
    /// there are events.
    public mutating func poll(_ reply: (ArenaEvent) -> ArenaReply) {
        heard = shard.news.load(ordering: .acquiring)
        var declined: [ArenaStorage] = []
        var consented: [ArenaStorage] = []
        for (arena, event) in shard.events(for: bit) {
            switch (event, reply(event)) {
            case (.made, .hold): break
            case (.mayGo, .hold): heard &-= 1  // still something to say
            case (.made, .release): declined.append(arena)
            case (.mayGo, .release): consented.append(arena)
            }
        }
        if !declined.isEmpty { shard.release(declined, by: bit, announceAgain: false) }
        if !consented.isEmpty { shard.release(consented, by: bit, announceAgain: true) }
    }
}

/// What observers of the arenas hear, and what their consent lets go.
extension Shard {
    /// A free observer bit. Traps when 64 observers watch the shard.
    fileprivate func addObserver() -> UInt64 {
        state.withLock { state in
            precondition(state.observers != .max, "a shard has at most 64 arena observers at a time")
            let bit = ~state.observers & (state.observers &+ 1)
            state.observers |= bit
            // The arenas that exist already are news to it.
            news.add(1, ordering: .releasing)
            return bit
        }
    }

    /// What `observer` has not heard yet. An arena that it hears of stays until it replies.
    func events(for observer: UInt64) -> [(arena: ArenaStorage, event: ArenaEvent)] {
        state.withLock { state in
            state.arenas.compactMap { arena in
                guard let arena else { return nil }
                if arena.announced & observer == 0 {
                    arena.announced |= observer
                    arena.holders |= observer
                    // That it may go was said before this observer came: it is to be asked too.
                    if arena.isLeaving { news.add(1, ordering: .releasing) }
                    return (arena, .made(arena.description))
                }
                guard arena.isLeaving, arena.holders & observer != 0 else { return nil }
                return (arena, .mayGo(arena.description))
            }
        }
    }

    /// `observer` gives up its hold on `arenas`; those that are empty and have no other holder go.
    ///
    /// An arena that came into use again after its observer was asked is announced to it once more; so is one that does so later,
    /// as long as others hold it.
    func release(_ arenas: [ArenaStorage], by observer: UInt64, announceAgain: Bool) {
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            for arena in arenas {
                arena.holders &= ~observer
                if arena.isLeaving {
                    if announceAgain { arena.consented |= observer }
                    letGoIfEmpty(arena, &state, &departed)
                } else if announceAgain {
                    arena.announced &= ~observer
                    news.add(1, ordering: .releasing)
                }
            }
            return departed
        }
        _ = consume departed
    }

    /// Ends an observer: all it holds is released, and its bit is free for another.
    fileprivate func removeObserver(_ observer: UInt64) {
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            state.observers &= ~observer
            for case let arena? in state.arenas {
                arena.announced &= ~observer
                arena.holders &= ~observer
                arena.consented &= ~observer
                if arena.isLeaving { letGoIfEmpty(arena, &state, &departed) }
            }
            return departed
        }
        _ = consume departed
    }
}
