internal import CLibUring
public import ZeroPool

/// A buffer pool inside a ring: leases go in with an operation and come back with its final completion.
///
/// It binds one shard of a `BufferPool` to one ``Ring``. The shard's arenas are registered with the ring as they
/// come, as many as the limit on locked memory allows, and unregistered before they go. An operation **consumes** its
/// lease: nothing can reuse, free or return memory that the kernel may still touch. The lease comes out of
/// ``complete(_:)`` again, with the operation's final completion.
///
/// ```swift
/// let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
/// ringPool.send(buffer, to: .file(socket), context: 7)
/// try ring.submitAndWait()
/// ring.forEachCompletion { completion in
///     guard var completed = ringPool.complete(completion) else { return /* one of the program's own */ }
///     // completed.context, completed.result, completed.lease.take()
/// }
/// ```
///
/// Belongs to the ring's thread. All methods borrow: a class may keep it in a `let`. On a host's ring,
/// ``Reservation`` is the contract.
@safe
public struct RingPool: ~Copyable {
    let state: UnsafeMutablePointer<RingPoolState>

    /// Binds shard number `shard` of `pool` to `ring`, and registers what the shard already has.
    ///
    /// With `registersBuffers` off, nothing is registered and every operation is a plain one. Throws when the buffer
    /// table can't be registered; an arena that can't be is a case (``registrations``). A refusal for lack of lockable
    /// memory is retried during ``Ring/Configuration/memlockGrace``.
    /// Traps when the pool has no such shard.
    public init(
        ring: borrowing Ring, pool: BufferPool, shard: Int, reservation: Reservation = .wholeRing,
        registersBuffers: Bool = true
    ) throws(RingError) {
        var registry: UnsafeMutablePointer<ArenaRegistry>?
        if registersBuffers {
            let table = try unsafe RegistrationTable(
                ring: ring.state, slots: reservation.bufferSlots, ownsTable: reservation.ownsBufferTable)
            unsafe registry = .allocate(capacity: 1)
            unsafe registry!.initialize(
                to: ArenaRegistry(observer: pool.observeArenas(ofShard: shard), table: table))
            unsafe registry!.pointee.synchronize()
        } else {
            precondition((0..<pool.shardCount).contains(shard), "there is no shard \(shard)")
        }
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(
            to: RingPoolState(ring: Ring(sharing: ring), pool: pool, reservation: reservation, registry: registry))
    }

    deinit {
        close()
        // A dead ring's leases stay with the kernel for good, and so does all that stands behind them.
        guard inFlightCount == 0 else { return }
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// How many operations hold a lease.
    public var inFlightCount: Int { unsafe state.pointee.inFlight.count }

    /// What of the shard's memory is registered: nothing after ``close(unclaimed:)``, if the kernel has let go of it.
    public var registrations: Registrations {
        var registrations = unsafe state.pointee.registry?.pointee.registrations ?? state.pointee.lastRegistrations
        registrations.plainFallbackCount = unsafe state.pointee.plainFallbackCount
        registrations.fixedOperationCount = unsafe state.pointee.fixedOperationCount
        return registrations
    }

    /// Registers new arenas of the shard and lets go of empty ones. Call it once a turn of the loop.
    ///
    /// Without news it costs one load. Registering pins the arena's memory, which takes the longer the larger it is.
    public func synchronize() { unsafe state.pointee.registry?.pointee.synchronize() }

    /// Ends the pool's part in the ring: no lease stays with the kernel, and nothing stays registered.
    ///
    /// On a ring of its own it cancels the operations that hold leases and waits for their last completions; what else
    /// completes meanwhile goes to `unclaimed`. A zero-copy send ends only when its peer has acknowledged the bytes or
    /// its connection was aborted, so close the connections first; and a completion that was reaped and never passed to
    /// ``complete(_:)`` is waited for in vain. On a host's ring, where only the host reaps, it traps while
    /// ``inFlightCount`` is not 0. A second call does nothing; `deinit` calls it. No operation may follow.
    ///
    /// Afterwards ``inFlightCount`` and the registered bytes are 0: else the ring was dead, or the kernel refused, and what
    /// it may still touch stays as it is until the process ends.
    public func close(unclaimed: (Completion) -> Void = { _ in }) {
        guard unsafe !state.pointee.isClosed else { return }
        unsafe state.pointee.isClosed = true
        if unsafe state.pointee.ring.state.pointee.isOwned {
            guard cancelAndReap(unclaimed) else { return }
        }
        precondition(inFlightCount == 0, "pass every completion to complete(_:) before the pool is closed")
        if let registry = unsafe state.pointee.registry {
            unsafe registry.pointee.unregisterAll()
            unsafe state.pointee.lastRegistrations = registry.pointee.registrations
            unsafe state.pointee.registry = nil
            // Its end lets the arenas go: never while the kernel holds one.
            guard unsafe state.pointee.lastRegistrations.registeredArenaCount == 0 else { return }
            unsafe registry.deinitialize(count: 1)
            unsafe registry.deallocate()
        }
    }

    /// False when the ring dies meanwhile: without completions the leases can't be given back.
    private func cancelAndReap(_ unclaimed: (Completion) -> Void) -> Bool {
        guard inFlightCount > 0 else { return true }
        var openCancellations = 0
        let reservation = unsafe state.pointee.reservation
        let cancellation = reservation.userDataValue | UInt64(InFlightTable.noIndex)
        unsafe state.pointee.inFlight.forEachToken { token in
            unsafe state.pointee.ring.cancel(reservation.userDataValue | token, userData: cancellation)
            openCancellations += 1
        }
        while inFlightCount > 0 || openCancellations > 0 {
            do {
                try unsafe state.pointee.ring.submitAndWait()
            } catch {
                return false
            }
            unsafe state.pointee.ring.forEachCompletion { completion in
                if completion.userData == cancellation {
                    openCancellations -= 1
                } else if !isOurs(completion) {
                    unclaimed(completion)
                } else {
                    _ = complete(completion)
                }
            }
        }
        return true
    }
}
