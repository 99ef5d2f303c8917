import Synchronization

/// How idle buffers of other classes make room before a get is refused.
///
/// Only past a limit: each costs a walk over the shard's idle buffers under its lock, unless there are too few of them.
extension Shard {
    /// A buffer of the class of `shift`, one of those that share arenas, from where idle buffers of others stand side by
    /// side: nothing is mapped or unmapped. Nil when no such place is large enough.
    func takeFromIdle(shift: Int) -> DescriptorPointer? {
        unsafe state.withLock { state in
            guard !state.isClosed, let place = findPlace(shift: shift, state) else { return nil }
            var leaving = unsafe state.idle.removeAll { unsafe place.overlaps($0) }
            while let descriptor = unsafe leaving.pop() {
                unsafe state.counters[shift: Int(descriptor.pointee.shift)].evictionCount += 1
                unsafe _ = giveBackToArena(descriptor, &state)
            }
            guard let descriptor = unsafe place.arena.carve(shift: shift) else {
                preconditionFailure("where all was free or idle there is room")
            }
            unsafe noteFresh(descriptor, shift: shift, &state)
            return unsafe descriptor
        }
    }

    /// As many bytes as arenas have of which all that is carved is idle; without those that an observer holds, if asked so.
    func idleArenaByteCount(heldToo: Bool) -> Int {
        state.withLock { state in
            guard state.idle.byteCount > 0 else { return 0 }
            sweep(&state, at: core.clock.now)
            return state.arenas.reduce(0) { sum, arena in
                guard let arena, arena.isWhollyIdle(for: 0), heldToo || arena.holders == 0 else { return sum }
                return sum + arena.byteCount
            }
        }
    }

    /// Lets such arenas go until they are `byteCount` bytes, those that nobody holds first. The others go by their observers' consent.
    /// - Returns: how many bytes are or will be gone.
    func giveUpIdleArenas(byteCount: Int) -> Int {
        let (sum, departed) = state.withLock { state in
            sweep(&state, at: core.clock.now)
            var chosen = Set<Int>()
            var sum = 0
            for isHeld in [false, true] {
                for case let arena? in state.arenas
                where sum < byteCount && arena.isWhollyIdle(for: 0) && (arena.holders != 0) == isHeld {
                    chosen.insert(arena.index)
                    sum += arena.byteCount
                }
            }
            var departed: [ArenaStorage] = []
            var leaving = unsafe state.idle.removeAll { unsafe chosen.contains(Int($0.pointee.arenaIndex)) }
            while let descriptor = unsafe leaving.pop() {
                unsafe state.counters[shift: Int(descriptor.pointee.shift)].evictionCount += 1
                letGoIfEmpty(unsafe giveBackToArena(descriptor, &state), &state, &departed)
            }
            return (sum, departed)
        }
        _ = consume departed
        return sum
    }

    /// A block of an arena of which all is free or idle.
    private struct Place {
        let arena: ArenaStorage
        let unit: Int
        let order: Int

        func overlaps(_ descriptor: DescriptorPointer) -> Bool {
            guard unsafe Int(descriptor.pointee.arenaIndex) == arena.index else { return false }
            let block = unsafe arena.block(of: descriptor)
            return block.unit < unit + 1 << order && unit < block.unit + 1 << block.order
        }
    }

    /// The lowest such block that has the size of the class; nil when there is none.
    private func findPlace(shift: Int, _ state: State) -> Place? {
        guard state.idle.byteCount > 0 else { return nil }
        var idleUnits: [Int: UnitSet] = [:]
        unsafe state.idle.forEachFromColdest { descriptor in
            unsafe descriptor.pointee.arena!._withUnsafeGuaranteedRef { arena in
                guard !arena.isSingleBuffer else { return }
                let block = unsafe arena.block(of: descriptor)
                idleUnits[arena.index, default: arena.space.freeUnits].insert(unit: block.unit, order: block.order)
            }
            return true
        }
        for (index, units) in idleUnits.sorted(by: { $0.key < $1.key }) {
            guard let arena = state.arenas[index] else { continue }
            let order = shift - arena.unitShift
            for unit in stride(from: 0, to: arena.space.unitCount, by: 1 << order)
            where units.contains(unit: unit, order: order) {
                return Place(arena: arena, unit: unit, order: order)
            }
        }
        return nil
    }
}

/// How a shard's idle memory goes back to the system: as whole arenas, of which all that is carved is idle.
///
/// Takes and returns keep no account of that; a sweep of the idle buffers finds it out, under the lock. Each such
/// buffer costs it a look at its descriptor and its arena.
extension Shard {
    /// What a sweep finds out about an arena.
    struct Sweep {
        /// As many units as are idle.
        var idleUnitCount = 0
        /// For how long none of them has been used.
        var idleTickCount = IdleClock.Tick.max
    }

    /// Lets every arena go of which nothing is out, and nothing was used for `ticks`, by the consent of its observers.
    func trim(unusedFor ticks: IdleClock.Tick, at now: IdleClock.Tick) {
        remove { state in
            sweep(&state, at: now)
            guard state.arenas.contains(where: { $0?.isWhollyIdle(for: ticks) ?? false }) else { return BufferChain() }
            return unsafe state.idle.removeAll { descriptor in
                unsafe descriptor.pointee.arena!._withUnsafeGuaranteedRef { $0.isWhollyIdle(for: ticks) }
            }
        }
    }

    /// Trims by the configuration's age, where a quarter of it has passed since that was last done. Not under the lock.
    func trimIfDue(at time: @autoclosure () -> IdleClock.Tick) {
        guard let ticks = core.maxIdleTickCount else { return }
        let now = time()
        let last = lastTrimTick.load(ordering: .relaxed)
        guard IdleClock.elapsed(since: last, at: now) >= max(1, ticks / 4) else { return }
        // Of threads that come at once, one does it.
        guard lastTrimTick.compareExchange(expected: last, desired: now, ordering: .relaxed).exchanged else { return }
        trim(unusedFor: ticks, at: now)
    }

    /// Takes back all idle buffers into their arenas; those arenas go of which nothing is out.
    func clear() { remove { $0.idle.removeAll() } }

    /// Takes back the idle buffers that `isLeaving` says, likewise.
    func clear(where isLeaving: (DescriptorPointer) -> Bool) { remove { unsafe $0.idle.removeAll(where: isLeaving) } }

    private func remove(_ choose: (inout State) -> BufferChain) {
        let departed = state.withLock { state in
            var departed: [ArenaStorage] = []
            var leaving = choose(&state)
            uncarve(&leaving, &state, &departed)
            return departed
        }
        // Released here, not under the lock: an arena's end is a system call, and may be the core's end.
        _ = consume departed
    }

    /// What is idle, in parts that can go one by one: each wholly idle arena, and else each buffer.
    func idleParts(at now: IdleClock.Tick) -> [IdlePart] {
        state.withLock { state in
            sweep(&state, at: now)
            var parts: [IdlePart] = state.arenas.compactMap { arena in
                guard let arena, arena.isWhollyIdle(for: 0) else { return nil }
                return unsafe IdlePart(
                    shardIndex: index, arenaIndex: arena.index, descriptor: nil,
                    byteCount: arena.sweep.idleUnitCount << arena.unitShift, idleTickCount: arena.sweep.idleTickCount)
            }
            unsafe state.idle.forEachFromColdest { descriptor in
                let arenaIndex = unsafe Int(descriptor.pointee.arenaIndex)
                guard let arena = state.arenas[arenaIndex], !arena.isWhollyIdle(for: 0) else { return true }
                unsafe parts.append(
                    IdlePart(
                        shardIndex: index, arenaIndex: arenaIndex, descriptor: descriptor,
                        byteCount: descriptor.pointee.byteCount,
                        idleTickCount: IdleClock.elapsed(since: descriptor.pointee.idleSince, at: now)))
                return true
            }
            return parts
        }
    }

    func sweep(_ state: inout State, at now: IdleClock.Tick) {
        for case let arena? in state.arenas { arena.sweep = Sweep() }
        unsafe state.idle.forEachFromColdest { descriptor in
            unsafe descriptor.pointee.arena!._withUnsafeGuaranteedRef { unsafe $0.countIdle(descriptor, at: now) }
            return true
        }
    }
}

/// A part of a shard's idle memory: all that is carved from an arena, or one buffer of an arena that is in use.
@safe
struct IdlePart {
    let shardIndex: Int
    let arenaIndex: Int
    /// The buffer, where it is one.
    let descriptor: DescriptorPointer?
    let byteCount: Int
    let idleTickCount: IdleClock.Tick
}

extension ArenaStorage {
    fileprivate func countIdle(_ descriptor: DescriptorPointer, at now: IdleClock.Tick) {
        sweep.idleUnitCount += unsafe 1 << block(of: descriptor).order
        sweep.idleTickCount = unsafe min(
            sweep.idleTickCount, IdleClock.elapsed(since: descriptor.pointee.idleSince, at: now))
    }

    /// Whether the last sweep found all that is carved from it idle, and unused for so long.
    func isWhollyIdle(for ticks: IdleClock.Tick) -> Bool {
        sweep.idleUnitCount > 0 && sweep.idleUnitCount == space.unitCount - space.freeUnitCount
            && sweep.idleTickCount >= ticks
    }
}
