import Synchronization

/// What observers of the arenas hear, and what their consent lets go.
extension Shard {
    /// A free observer bit. Traps when 64 observers watch the shard.
    func addObserver() -> UInt64 {
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
    func removeObserver(_ observer: UInt64) {
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
