import Synchronization

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
