import Synchronization

/// A part of the pool with a lock of its own: its arenas, and its idle buffers by class.
///
/// Threads come here only for batches, when their caches are empty or full; a reactor has a shard to itself.
/// Invariants, under the lock:
/// - each buffer carved from `arenas` is idle here, or elsewhere (leased, cached, in an outbox): never both;
/// - `idleByteCount` is the sum over the idle lists;
/// - `mappedByteCount` is the sum over `arenas`, and `carvedCount` that of the buffers carved from them;
/// - an arena with `isLeaving` has nothing carved from it and at least one holder.
final class Shard: Sendable {
    let index: Int
    private unowned let core: PoolCore
    private let state: Locked<State>
    /// Changes whenever an observer has something to hear; observers compare it with one relaxed load.
    let news = Atomic<UInt64>(0)

    /// Idle buffers of one class, last in first out, linked through their descriptors.
    @safe
    struct IdleList {
        var head: DescriptorPointer?
        var count = 0

        mutating func push(_ descriptor: DescriptorPointer) {
            unsafe descriptor.pointee.next = unsafe head
            unsafe head = unsafe descriptor
            count += 1
        }

        mutating func pop() -> DescriptorPointer? {
            guard let descriptor = unsafe head else { return nil }
            unsafe head = unsafe descriptor.pointee.next
            count -= 1
            return unsafe descriptor
        }
    }

    struct State: @unchecked Sendable {
        var idle: [IdleList]
        var idleByteCount = 0
        /// By arena index; nil where an arena has gone.
        var arenas: [ArenaStorage?] = []
        var mappedByteCount = 0
        var carvedCount = 0
        var observers: UInt64 = 0
        var isClosed = false
        var counters = ShardCounters()
    }

    /// What `take` found: a chain of `count` buffers of one class, linked through their descriptors.
    struct Batch {
        var chain: IdleList
        var tier: Tier
    }

    /// Where a get was served.
    enum Tier { case shard, fresh }

    init(index: Int, core: PoolCore) {
        self.index = index
        self.core = core
        state = Locked(State(idle: Array(repeating: IdleList(), count: core.configuration.classCount)))
    }

    // MARK: Taking

    /// Up to `count` idle buffers of the class of `shift`; else one of the next class up; else a fresh one.
    ///
    /// - Returns: nil when the shard's byte limit, the pool's, or the system allows no further arena, and when the pool is closed.
    func take(shift: Int, count: Int) -> Batch? {
        let configuration = core.configuration
        return state.withLock { state in
            guard !state.isClosed else { return nil }
            var batch = Batch(chain: IdleList(), tier: .shard)
            while batch.chain.count < count, let descriptor = unsafe popIdle(shift: shift, &state) {
                unsafe batch.chain.push(descriptor)
            }
            if batch.chain.count == 0, shift < SizeClass.maximumShift,
                let descriptor = unsafe popIdle(shift: shift + 1, &state)
            {
                unsafe batch.chain.push(descriptor)
            }
            if batch.chain.count == 0 {
                guard let descriptor = unsafe carve(shift: shift, &state, configuration) else { return nil }
                state.carvedCount += 1
                unsafe batch.chain.push(descriptor)
                batch.tier = .fresh
            }
            switch batch.tier {
            case .shard: state.counters.shardGetCount += 1
            case .fresh: state.counters.freshGetCount += 1
            }
            return batch
        }
    }

    private func popIdle(shift: Int, _ state: inout State) -> DescriptorPointer? {
        let list = shift - core.configuration.minimumShift
        guard let descriptor = unsafe state.idle[list].pop() else { return nil }
        state.idleByteCount -= 1 << shift
        return unsafe descriptor
    }

    /// The lowest arena with room serves, so that the others empty and may go.
    private func carve(shift: Int, _ state: inout State, _ configuration: BufferPool.Configuration)
        -> DescriptorPointer?
    {
        let isShared = shift < SystemMemory.hugePageByteCount.trailingZeroBitCount
        for case let arena? in state.arenas where arena.isSingleBuffer != isShared {
            guard isShared || arena.byteCount == 1 << shift else { continue }
            if let descriptor = unsafe arena.carve(shift: shift) {
                arena.isLeaving = false
                return unsafe descriptor
            }
        }
        let byteCount = ArenaStorage.byteCount(forShift: shift)
        let index = state.arenas.firstIndex { $0 == nil } ?? state.arenas.count
        guard index < Arena.maximumCountPerShard,
            byteCount <= configuration.maxByteCountPerShard - state.mappedByteCount,
            core.mayMap(byteCount: byteCount),
            let arena = ArenaStorage.map(core: core, shard: self, index: index, shift: shift)
        else { return nil }
        if index == state.arenas.count { state.arenas.append(arena) } else { state.arenas[index] = arena }
        state.mappedByteCount += byteCount
        if state.observers != 0 { news.add(1, ordering: .releasing) }
        return unsafe arena.carve(shift: shift)
    }

    // MARK: Giving back

    /// Takes home every buffer of `chain`: into the idle lists while there is room, else back into their arenas.
    ///
    /// Frees the memory of arenas that are empty and unheld, after the lock is dropped.
    func giveBack(_ chain: consuming IdleList) {
        var chain = chain
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            while let descriptor = unsafe chain.pop() { unsafe giveBack(descriptor, &state, &departed) }
            return departed
        }
        // Released here: an arena's end may be its core's, and so this shard's.
        _ = consume departed
    }

    private func giveBack(_ descriptor: DescriptorPointer, _ state: inout State, _ departed: inout [ArenaStorage]) {
        let shift = unsafe Int(descriptor.pointee.shift)
        let list = shift - core.configuration.minimumShift
        state.counters.homeReturnCount += 1
        let hasRoom =
            state.idle[list].count < core.configuration.maxBuffersPerShard
            && state.idleByteCount + 1 << shift <= core.configuration.idleByteLimitPerShard
        if hasRoom, !state.isClosed {
            unsafe state.idle[list].push(descriptor)
            state.idleByteCount += 1 << shift
        } else {
            // Last in, first out of the pool: what stays is what was there, and the newcomer leaves.
            if !state.isClosed { state.counters.evictionCount += 1 }
            unsafe uncarve(descriptor, &state, &departed)
        }
    }

    private func uncarve(_ descriptor: DescriptorPointer, _ state: inout State, _ departed: inout [ArenaStorage]) {
        let arena = unsafe descriptor.pointee.arena!.takeUnretainedValue()
        unsafe arena.uncarve(descriptor)
        state.carvedCount -= 1
        letGoIfEmpty(arena, &state, &departed)
    }

    private func letGoIfEmpty(_ arena: ArenaStorage, _ state: inout State, _ departed: inout [ArenaStorage]) {
        guard arena.space.isWhollyFree else { return }
        if arena.holders == 0 {
            state.arenas[arena.index] = nil
            state.mappedByteCount -= arena.byteCount
            while let last = state.arenas.last, last == nil { state.arenas.removeLast() }
            departed.append(arena)
        } else {
            arena.isLeaving = true
            news.add(1, ordering: .releasing)
        }
    }

    /// Takes a buffer back into its arena, never to the idle ones.
    func discard(_ descriptor: DescriptorPointer) {
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            unsafe uncarve(descriptor, &state, &departed)
            return departed
        }
        _ = consume departed
    }

    /// No more gets; what is idle goes back to its arenas, and what comes back later follows it.
    func close() {
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            state.isClosed = true
            for list in state.idle.indices {
                while let descriptor = unsafe state.idle[list].pop() {
                    unsafe uncarve(descriptor, &state, &departed)
                }
            }
            state.idleByteCount = 0
            return departed
        }
        _ = consume departed
    }

    // MARK: Observers

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
                    return (arena, .made(arena.description))
                }
                guard arena.isLeaving, arena.holders & observer != 0 else { return nil }
                return (arena, .mayGo(arena.description))
            }
        }
    }

    /// `observer` gives up its hold on `arenas`; those that are empty and have no other holder go.
    ///
    /// An arena that came into use again after its observer was asked is announced to it once more.
    func release(_ arenas: [ArenaStorage], by observer: UInt64, announceAgain: Bool) {
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            for arena in arenas {
                arena.holders &= ~observer
                if arena.isLeaving {
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
                if arena.isLeaving { letGoIfEmpty(arena, &state, &departed) }
            }
            return departed
        }
        _ = consume departed
    }

    // MARK: Statistics

    /// The counters and the idle bytes, at one moment.
    func snapshot() -> (counters: ShardCounters, idleByteCount: Int) {
        state.withLock { ($0.counters, $0.idleByteCount) }
    }

    /// Buffers that are elsewhere: carved, and not idle here.
    var awayCount: Int {
        state.withLock { state in state.carvedCount - state.idle.reduce(0) { $0 + $1.count } }
    }
}

/// What a shard counts, under its lock.
struct ShardCounters {
    var shardGetCount = 0
    var freshGetCount = 0
    var homeReturnCount = 0
    var evictionCount = 0
}
