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
