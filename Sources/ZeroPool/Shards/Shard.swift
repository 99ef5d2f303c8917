import Synchronization

/// A part of the pool with a lock of its own: its arenas, and its idle buffers by class.
///
/// Threads come here only for batches, when their caches are empty or full; a reactor has a shard to itself.
/// Invariants, under the lock:
/// - each buffer carved from `arenas` is idle here, or elsewhere (leased, cached, in an outbox): never both;
/// - `mappedByteCount` is the sum over `arenas`, and `counters.carvedCount` that of the buffers carved from them;
/// - an arena with `isLeaving` has nothing carved from it and at least one holder.
final class Shard: Sendable {
    let index: Int
    unowned let core: PoolCore
    let state: Locked<State>
    /// Changes whenever an observer has something to hear; observers compare it with one relaxed load.
    let news = Atomic<UInt64>(0)
    /// The bytes of its arenas. Written under the lock, read by anybody.
    let mappedByteCount = Atomic<Int>(0)
    /// When the idle buffers were last swept for their age.
    let lastTrimTick: Atomic<IdleClock.Tick>

    struct State: @unchecked Sendable {
        var idle: IdleBuffers
        /// By arena index; nil where an arena has gone.
        var arenas: [ArenaStorage?] = []
        /// Of the arenas that small classes share, those below this index have nothing free.
        var firstRoomIndex = 0
        var observers: UInt64 = 0
        var isClosed = false
        var counters: ShardCounters

        /// Moves `firstRoomIndex` up to the first arena of small classes with something free, or to the end.
        mutating func skipFullArenas() {
            while firstRoomIndex < arenas.count {
                if let arena = arenas[firstRoomIndex], !arena.isSingleBuffer, arena.space.freeUnitCount > 0 { return }
                firstRoomIndex += 1
            }
            firstRoomIndex = arenas.count
        }
    }

    /// What `take` found: a chain of `count` buffers of one class, linked through their descriptors.
    struct Batch {
        var chain: BufferChain
        var tier: Tier
    }

    /// Where a get was served.
    enum Tier { case shard, fresh }

    init(index: Int, core: PoolCore) {
        self.index = index
        self.core = core
        lastTrimTick = Atomic(core.clock.now)
        state = Locked(
            State(idle: IdleBuffers(core.configuration), counters: ShardCounters(core.configuration)))
    }

    // MARK: Taking

    /// Up to `count` idle buffers of the class of `shift`; else one of the next class up; else a fresh one.
    ///
    /// - Returns: nil when the shard's byte limit, the pool's, or the system allows no further arena, and when the pool is closed.
    func take(shift: Int, count: Int) -> Batch? {
        let configuration = core.configuration
        return state.withLock { state in
            guard !state.isClosed else { return nil }
            var batch = Batch(chain: BufferChain(), tier: .shard)
            var servedShift = shift
            while batch.chain.count < count, let descriptor = unsafe state.idle.take(shift: shift) {
                unsafe batch.chain.push(descriptor)
            }
            if batch.chain.count == 0, shift < SizeClass.maximumShift,
                let descriptor = unsafe state.idle.take(shift: shift + 1)
            {
                unsafe batch.chain.push(descriptor)
                servedShift += 1
            }
            if batch.chain.count == 0 {
                guard let descriptor = unsafe carve(shift: shift, &state, configuration) else { return nil }
                state.counters.noteCarved(shift: shift)
                unsafe state.idle.noteFresh(descriptor)
                unsafe batch.chain.push(descriptor)
                batch.tier = .fresh
            }
            state.counters.noteTaken(
                shift: servedShift, count: batch.chain.count, tier: batch.tier, idle: state.idle)
            return batch
        }
    }

    /// The lowest arena with room serves, so that the others empty and may go.
    func carve(shift: Int, _ state: inout State, _ configuration: BufferPool.Configuration)
        -> DescriptorPointer?
    {
        let isShared = shift < SystemMemory.hugePageByteCount.trailingZeroBitCount
        if isShared { state.skipFullArenas() }
        for case let arena? in state.arenas[(isShared ? state.firstRoomIndex : 0)...]
        where arena.isSingleBuffer != isShared {
            guard isShared || arena.byteCount == 1 << shift else { continue }
            if let descriptor = unsafe arena.carve(shift: shift) {
                arena.isLeaving = false
                return unsafe descriptor
            }
        }
        let byteCount = ArenaStorage.byteCount(forShift: shift)
        let index = state.arenas.firstIndex { $0 == nil } ?? state.arenas.count
        guard index < Arena.maximumCountPerShard,
            byteCount <= configuration.maxByteCountPerShard - mappedByteCount.load(ordering: .relaxed),
            core.mayMap(byteCount: byteCount),
            let arena = ArenaStorage.map(core: core, shard: self, index: index, shift: shift)
        else { return nil }
        if index == state.arenas.count { state.arenas.append(arena) } else { state.arenas[index] = arena }
        state.firstRoomIndex = min(state.firstRoomIndex, index)
        mappedByteCount.add(byteCount, ordering: .relaxed)
        if state.observers != 0 { news.add(1, ordering: .releasing) }
        return unsafe arena.carve(shift: shift)
    }

    // MARK: Giving back

    /// Takes home every buffer of `chain`, which came as `arrival` says: into the idle lists while there is room, else back
    /// into their arenas.
    ///
    /// Frees the memory of arenas that are empty and unheld, after the lock is dropped. They count as idle since now,
    /// unless the caller knows better.
    func giveBack(
        _ chain: consuming BufferChain, _ arrival: ShardCounters.Arrival, idleSince: IdleClock.Tick? = nil
    ) {
        var chain = chain
        let now = core.clock.now
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            while let descriptor = unsafe chain.pop() {
                unsafe state.counters.noteArrival(shift: Int(descriptor.pointee.shift), arrival)
                unsafe keep(descriptor, idleSince: idleSince ?? now, &state, &departed)
            }
            return departed
        }
        trimIfDue(at: now)
        // Released here: an arena's end may be its core's, and so this shard's.
        _ = consume departed
    }

    func keep(
        _ descriptor: DescriptorPointer, idleSince: IdleClock.Tick, _ state: inout State,
        _ departed: inout [ArenaStorage]
    ) {
        guard !state.isClosed else { return unsafe uncarve(descriptor, &state, &departed) }
        unsafe descriptor.pointee.idleSince = idleSince
        let shift = unsafe Int(descriptor.pointee.shift)
        var leaving = unsafe state.idle.add(descriptor)
        state.counters.noteIdle(shift: shift, idle: state.idle)
        while let descriptor = unsafe leaving.pop() {
            unsafe state.counters[shift: Int(descriptor.pointee.shift)].evictionCount += 1
            unsafe uncarve(descriptor, &state, &departed)
        }
    }

    func uncarve(_ chain: inout BufferChain, _ state: inout State, _ departed: inout [ArenaStorage]) {
        while let descriptor = unsafe chain.pop() { unsafe uncarve(descriptor, &state, &departed) }
    }

    private func uncarve(_ descriptor: DescriptorPointer, _ state: inout State, _ departed: inout [ArenaStorage]) {
        let arena = unsafe descriptor.pointee.arena!.takeUnretainedValue()
        unsafe core.ledger?.endPoison(descriptor)
        unsafe arena.uncarve(descriptor)
        state.firstRoomIndex = min(state.firstRoomIndex, max(0, arena.index))
        unsafe state.counters.noteUncarved(shift: Int(descriptor.pointee.shift))
        letGoIfEmpty(arena, &state, &departed)
    }

    func letGoIfEmpty(_ arena: ArenaStorage, _ state: inout State, _ departed: inout [ArenaStorage]) {
        guard arena.space.isWhollyFree else { return }
        if arena.holders == 0 {
            state.arenas[arena.index] = nil
            mappedByteCount.subtract(arena.byteCount, ordering: .relaxed)
            while let last = state.arenas.last, last == nil { state.arenas.removeLast() }
            departed.append(arena)
        } else {
            arena.isLeaving = true
            news.add(1, ordering: .releasing)
        }
    }

    /// Takes the buffer of a detached owner back into its arena, never to the idle ones.
    func discard(_ descriptor: DescriptorPointer) {
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            unsafe state.counters[shift: Int(descriptor.pointee.shift)].detachedEndCount += 1
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
            var leaving = state.idle.removeAll()
            uncarve(&leaving, &state, &departed)
            return departed
        }
        _ = consume departed
    }

    // MARK: Statistics

    /// The counters, and how many buffers of each class are idle, at one moment.
    func snapshot(shifts: ClosedRange<Int>) -> (counters: ShardCounters, idleCounts: [Int]) {
        state.withLock { state in (state.counters, shifts.map { state.idle.count(shift: $0) }) }
    }

    var idleCount: Int { state.withLock { $0.idle.count } }

    /// Buffers that are elsewhere: carved, and not idle here.
    var awayCount: Int {
        state.withLock { state in state.counters.carvedCount - state.idle.count }
    }
}
