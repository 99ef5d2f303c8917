extension Shard {
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
