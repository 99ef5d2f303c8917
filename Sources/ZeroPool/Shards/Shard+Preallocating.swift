extension Shard {
    /// Adds fresh buffers of the class of `shift` to the idle ones, touched by the calling thread, until they are `count` or a
    /// limit is met. - Returns: how many there are.
    func preallocate(count: Int, shift: Int) -> Int {
        var fresh = state.withLock { state in
            var fresh = BufferChain()
            guard !state.isClosed else { return fresh }
            let room = state.idle.room(shift: shift)
            let wanted = min(count - state.idle.count(shift: shift), room)
            while fresh.count < wanted, let descriptor = unsafe carve(shift: shift, &state, core.configuration) {
                state.counters.noteCarved(shift: shift)
                unsafe fresh.push(descriptor)
            }
            return fresh
        }
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
}
