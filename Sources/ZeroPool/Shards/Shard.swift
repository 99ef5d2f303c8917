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
    // SAFETY: the core owns its shards. Who calls a shard keeps the core: by its cache, its lease, or the pool's handle.
    private unowned(unsafe) let owner: PoolCore
    var core: PoolCore { unsafe owner }
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
        /// By order: of the arenas that small classes share, those below this index have no free block of it.
        var firstRoomIndices = InlineArray<10, Int>(repeating: 0)
        var observers: UInt64 = 0
        var isClosed = false
        var counters: ShardCounters

        /// The lowest arena of small classes with a free block of `order`. Arenas that have none are passed once, until
        /// something comes back to them or below.
        mutating func firstArena(withRoom order: Int) -> ArenaStorage? {
            while firstRoomIndices[order] < arenas.count {
                if let arena = arenas[firstRoomIndices[order]], !arena.isSingleBuffer, arena.space.hasRoom(order: order)
                {
                    return arena
                }
                firstRoomIndices[order] += 1
            }
            firstRoomIndices[order] = arenas.count
            return nil
        }

        /// There is more room in the arena of that index, which may be new.
        mutating func noteRoom(index: Int) {
            for order in firstRoomIndices.indices { firstRoomIndices[order] = min(firstRoomIndices[order], index) }
        }
    }

    /// Where a get was served.
    enum Tier { case shard, fresh }

    init(index: Int, core: PoolCore) {
        self.index = index
        unsafe owner = core
        lastTrimTick = Atomic(core.clock.now)
        state = Locked(
            State(idle: IdleBuffers(core.configuration), counters: ShardCounters(core.configuration)))
    }

    // MARK: Taking

    /// Half of what `magazine` holds, which is empty and of the class of `shift`, so that the next return finds room: one
    /// is for the caller. Nil when none of the class is idle.
    func takeBatch(shift: Int, into magazine: MagazinePointer) -> DescriptorPointer? {
        unsafe state.withLock { state in
            let count = unsafe state.idle.take(
                shift: shift, upTo: (magazine.capacity + 1) / 2, to: magazine.slots)
            guard count > 0 else { return nil }
            state.counters.noteTaken(shift: shift, count: count, tier: .shard, idle: state.idle)
            return unsafe magazine.keepAllButNewest(of: count)
        }
    }

    /// An idle buffer of the class of `shift`; else one of the next class up; else a fresh one.
    ///
    /// - Returns: nil when the shard's byte limit, the pool's, or the system allows no further arena, and when the pool is closed.
    func take(shift: Int) -> DescriptorPointer? {
        let taken: DescriptorPointer? = unsafe state.withLock { state in
            guard !state.isClosed else { return nil }
            for idleShift in shift...min(shift + 1, SizeClass.maximumShift) {
                guard let descriptor = unsafe state.idle.take(shift: idleShift) else { continue }
                state.counters.noteTaken(shift: idleShift, count: 1, tier: .shard, idle: state.idle)
                return unsafe descriptor
            }
            guard let descriptor = unsafe carve(shift: shift, &state) else { return nil }
            unsafe noteFresh(descriptor, shift: shift, &state)
            return unsafe descriptor
        }
        trimIfDue(at: core.clock.now)
        return unsafe taken
    }

    func noteFresh(_ descriptor: DescriptorPointer, shift: Int, _ state: inout State) {
        state.counters.noteCarved(shift: shift)
        unsafe state.idle.noteFresh(descriptor)
        state.counters.noteTaken(shift: shift, count: 1, tier: .fresh, idle: state.idle)
    }

    /// The lowest arena with room serves, so that the others empty and may go.
    func carve(shift: Int, _ state: inout State) -> DescriptorPointer? {
        let isShared = shift < SystemMemory.hugePageByteCount.trailingZeroBitCount
        let existing =
            isShared
            ? state.firstArena(withRoom: shift - core.configuration.minimumShift)
            : state.arenas.lazy.compactMap(\.self).first {
                $0.isSingleBuffer && $0.byteCount == 1 << shift && $0.space.isWhollyFree
            }
        if let arena = existing, let descriptor = unsafe arena.carve(shift: shift) {
            if arena.isLeaving { stay(arena) }
            return unsafe descriptor
        }
        let byteCount = ArenaStorage.byteCount(forShift: shift)
        let index = state.arenas.firstIndex { $0 == nil } ?? state.arenas.count
        guard index < Arena.maximumCountPerShard,
            excess(ofArena: byteCount) <= 0,
            core.mayMap(byteCount: byteCount),
            let arena = ArenaStorage.map(core: core, shard: self, index: index, shift: shift)
        else { return nil }
        if index == state.arenas.count { state.arenas.append(arena) } else { state.arenas[index] = arena }
        state.noteRoom(index: index)
        mappedByteCount.add(byteCount, ordering: .relaxed)
        if state.observers != 0 { news.add(1, ordering: .releasing) }
        return unsafe arena.carve(shift: shift)
    }

    /// An arena that was to go is in use again.
    private func stay(_ arena: ArenaStorage) {
        arena.isLeaving = false
        guard arena.consented != 0 else { return }
        arena.announced &= ~arena.consented
        arena.consented = 0
        news.add(1, ordering: .releasing)
    }

    /// By how many bytes another arena of `byteCount` would exceed the shard's limit; 0 or less when it would not.
    func excess(ofArena byteCount: Int) -> Int {
        byteCount - (core.configuration.maxByteCountPerShard - mappedByteCount.load(ordering: .relaxed))
    }

    // MARK: Giving back

    /// Takes home a batch of the class of `shift` from a thread's cache, the last of it the newest: into the idle ones while
    /// there is room, else back into their arenas.
    ///
    /// Frees the memory of arenas that are empty and unheld, after the lock is dropped. They count as idle since now,
    /// unless the caller knows better.
    func giveBack(
        _ batch: UnsafeBufferPointer<DescriptorPointer>, shift: Int, idleSince: IdleClock.Tick? = nil
    ) {
        let now = core.clock.now
        let idleSince = idleSince ?? now
        let isKept = state.withLock { state in
            state.counters[shift: shift].cacheArrivalCount += batch.count
            let isKept = unsafe !state.isClosed && state.idle.addWhole(batch, shift: shift, idleSince: idleSince)
            if isKept { state.counters.noteIdle(shift: shift, idle: state.idle) }
            return isKept
        }
        guard !isKept else { return trimIfDue(at: now) }
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            for index in batch.indices { unsafe keep(batch[index], idleSince: idleSince, &state, &departed) }
            return departed
        }
        trimIfDue(at: now)
        // Released here: an arena's end may be its core's, and so this shard's.
        _ = consume departed
    }

    /// Takes home every buffer of `chain`, of whatever class, which came as `arrival` says. Otherwise as a batch.
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
        letGoIfEmpty(unsafe giveBackToArena(descriptor, &state), &state, &departed)
    }

    /// Ends a buffer; its arena, which may be empty now, stays.
    func giveBackToArena(_ descriptor: DescriptorPointer, _ state: inout State) -> ArenaStorage {
        let arena = unsafe descriptor.pointee.arena!.takeUnretainedValue()
        unsafe core.ledger?.endPoison(descriptor)
        unsafe arena.uncarve(descriptor)
        state.noteRoom(index: arena.index)
        unsafe state.counters.noteUncarved(shift: Int(descriptor.pointee.shift))
        return arena
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

    // MARK: Preallocating

    /// As many bytes as are mapped in one hold of the lock: other threads of the shard get in between.
    private static let mappedByteCountAtOnce = 8 << 20

    /// Adds fresh buffers of the class of `shift` to the idle ones, touched by the calling thread, until they are `count` or a
    /// limit is met. - Returns: how many there are.
    func preallocate(count: Int, shift: Int) -> Int {
        let limit = max(1, Shard.mappedByteCountAtOnce >> shift)
        var fresh = BufferChain()
        while carve(wanted: count, limit: limit, shift: shift, &fresh) {}
        // Outside the lock: this is where the time goes. Nobody else knows the buffers yet.
        var touched = BufferChain()
        while let descriptor = unsafe fresh.pop() {
            unsafe SystemMemory.touch(descriptor.pointee.base, byteCount: descriptor.pointee.byteCount)
            unsafe core.ledger?.notePreallocated(descriptor)
            unsafe touched.push(descriptor)
        }
        let now = core.clock.now
        let (idleCount, departed) = state.withLock { state in
            var departed: [ArenaStorage] = []
            // What found the shard full meanwhile, or closed, leaves.
            while let descriptor = unsafe touched.pop() {
                unsafe keep(descriptor, idleSince: now, &state, &departed)
            }
            return (state.idle.count(shift: shift), departed)
        }
        _ = consume departed
        return idleCount
    }

    /// Adds up to `limit` fresh buffers to `fresh`, in one hold of the lock; whether more are wanted and can be had.
    private func carve(wanted: Int, limit: Int, shift: Int, _ fresh: inout BufferChain) -> Bool {
        state.withLock { state in
            guard !state.isClosed else { return false }
            let room = state.idle.room(shift: shift)
            let missing = min(wanted - state.idle.count(shift: shift), room) - fresh.count
            for _ in 0..<max(0, min(missing, limit)) {
                guard let descriptor = unsafe carve(shift: shift, &state) else { return false }
                state.counters.noteCarved(shift: shift)
                unsafe fresh.push(descriptor)
            }
            return missing > limit
        }
    }
}

/// How much memory a shard has from the system: tells a thread that has the shard to itself whether trimming could give
/// anything back.
package struct ShardMemory: Sendable {
    private let shard: Shard
    /// The shard does not keep it.
    private let core: PoolCore

    fileprivate init(shard: Shard, core: PoolCore) {
        self.shard = shard
        self.core = core
    }

    /// Bytes mapped now, in use or not. Any thread; one relaxed load.
    package var mappedByteCount: Int { shard.mappedByteCount.load(ordering: .relaxed) }
}

extension BufferPool {
    /// The memory of shard number `index`. Traps when there is no such shard.
    package func memory(ofShard index: Int) -> ShardMemory { ShardMemory(shard: core.shards[index], core: core) }
}
