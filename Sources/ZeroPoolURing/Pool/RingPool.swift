internal import Glibc
internal import Synchronization
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
    /// What of the shard's memory is registered with the ring.
    public struct Registrations: Sendable {
        /// Arenas registered now.
        public internal(set) var registeredArenaCount = 0
        /// Bytes registered now.
        public internal(set) var registeredByteCount = 0
        /// Arenas that could not be registered, so far: their buffers work, as plain memory.
        public internal(set) var plainArenaCount = 0
        /// How often the kernel refused for the limit on locked memory (`ENOMEM`).
        public internal(set) var memlockRefusalCount = 0
        /// Operations, so far, that named registered memory.
        public internal(set) var fixedOperationCount = 0
        /// Fixed operations, so far, that became plain ones, since their lease's memory is not registered here.
        public internal(set) var plainFallbackCount = 0
        /// Why the latest arena could not be registered; its ``RingError/remedy`` is for the user.
        public internal(set) var lastError: RingError?

        /// Nothing registered yet.
        public init() {}
    }

    /// What stands behind the handle.
    struct State: ~Copyable {
        let ring: Ring
        let pool: BufferPool
        let reservation: Reservation
        /// The user data of this pool's operations above their tokens: the reservation, and in the bits that it leaves free
        /// a number of this pool alone, so that a completion of another ring is not taken for one of this.
        let userDataBase: UInt64
        /// Nil when nothing is registered, and after the end.
        var registry: ArenaRegistry?
        /// As they were when the registry ended.
        var lastRegistrations = Registrations()
        var inFlight = InFlightTable()
        var plainFallbackCount = 0
        var fixedOperationCount = 0
        var isClosed = false

        init(
            ring: consuming Ring, pool: BufferPool, reservation: Reservation, registry: consuming ArenaRegistry?
        ) {
            self.ring = ring
            self.pool = pool
            self.reservation = reservation
            self.registry = registry
            let number = RingPool.nextNumber.add(1, ordering: .relaxed).newValue
            let freeBits = ~reservation.userDataMask & ~InFlightTable.tokenMask
            userDataBase = reservation.userDataValue | (number << InFlightTable.tokenBitCount & freeBits)
        }

        var currentRegistrations: Registrations {
            switch registry {
            case .some(let registry): registry.registrations
            case .none: lastRegistrations
            }
        }

        /// Keeps the lease; the result is the operation's user data.
        @inline(__always)
        mutating func admit(
            _ lease: consuming PooledBuffer, context: UInt64, kind: InFlightTable.Kind
        ) -> UInt64 {
            precondition(!isClosed, "the pool's part in the ring has ended")
            return userDataBase | inFlight.insert(lease, context: context, kind: kind)
        }

        /// The same for an operation with operands, or with neither.
        mutating func admit(
            _ operands: consuming Operands?, context: UInt64, kind: InFlightTable.Kind = .operands
        ) -> UInt64 {
            precondition(!isClosed, "the pool's part in the ring has ended")
            return userDataBase | inFlight.insert(operands, context: context, kind: kind)
        }

        /// The buffer slot for a fixed operation; nil, and counted, when it has to be a plain one.
        @inline(__always)
        mutating func bufferIndex(of lease: borrowing PooledBuffer) -> UInt16? {
            guard registry != nil else { return nil }
            let index = registry!.bufferIndex(of: lease)
            if index == nil { plainFallbackCount &+= 1 } else { fixedOperationCount &+= 1 }
            return index
        }
    }

    private static let nextNumber = Atomic<UInt64>(0)

    let state: Shared<State>

    /// Binds shard number `shard` of `pool` to `ring`, and registers what the shard already has.
    ///
    /// With `registersBuffers` off, nothing is registered and every operation is a plain one. Throws when the buffer
    /// table can't be registered; an arena that can't be is a case (``registrations``). A refusal for lack of lockable
    /// memory is retried during ``Ring/Configuration/memlockGrace``.
    /// Traps when the pool has no such shard, and when the ring has another pool that is not closed yet.
    public init(
        ring: borrowing Ring, pool: BufferPool, shard: Int, reservation: Reservation = .wholeRing,
        registersBuffers: Bool = true
    ) throws(RingError) {
        ring.state.value.reserve(reservation)
        var registry: ArenaRegistry?
        if registersBuffers {
            let table: RegistrationTable
            do throws(RingError) {
                table = try RegistrationTable(
                    ring: ring, slots: reservation.bufferSlots, ownsTable: reservation.ownsBufferTable)
            } catch {
                ring.state.value.endReservation()
                throw error
            }
            var made = ArenaRegistry(observer: pool.observeArenas(ofShard: shard), table: table)
            made.synchronize()
            registry = consume made
        } else {
            precondition((0..<pool.shardCount).contains(shard), "there is no shard \(shard)")
        }
        state = Shared(State(ring: Ring(sharing: ring), pool: pool, reservation: reservation, registry: registry))
    }

    deinit {
        close()
        // A dead ring's leases stay with the kernel for good, and so does all that stands behind them.
        if inFlightCount > 0 { state.keepForever() }
    }

    /// How many operations of the pool's run.
    public var inFlightCount: Int { state.value.inFlight.count }

    /// What of the shard's memory is registered: nothing after ``close(unclaimed:)``, if the kernel has let go of it.
    public var registrations: Registrations {
        var registrations = state.value.currentRegistrations
        registrations.plainFallbackCount = state.value.plainFallbackCount
        registrations.fixedOperationCount = state.value.fixedOperationCount
        return registrations
    }

    /// Registers new arenas of the shard and lets go of empty ones. Call it once a turn of the loop.
    ///
    /// Without news it costs one load. Registering pins the arena's memory, which takes the longer the larger it is.
    public func synchronize() { state.value.registry?.synchronize() }

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
        guard !state.value.isClosed else { return }
        state.value.isClosed = true
        if state.value.ring.state.value.isOwned {
            guard cancelAndReap(unclaimed) else { return }
        }
        precondition(inFlightCount == 0, "pass every completion to complete(_:) before the pool is closed")
        state.value.ring.state.value.endReservation()
        guard state.value.registry != nil else { return }
        state.value.registry?.unregisterAll()
        state.value.lastRegistrations = registrations
        if state.value.lastRegistrations.registeredArenaCount == 0 {
            state.value.registry = nil
        } else {
            // The registry's end would let the arenas go: never while the kernel holds one.
            state.keepForever()
        }
    }

    /// False when the ring dies meanwhile: without completions the leases can't be given back.
    private func cancelAndReap(_ unclaimed: (Completion) -> Void) -> Bool {
        guard inFlightCount > 0 else { return true }
        var openCancellations = 0
        let cancellation = state.value.userDataBase | UInt64(InFlightTable.noIndex)
        state.value.inFlight.forEachToken { token in
            state.value.ring.state.value.prepareCancel(
                of: state.value.userDataBase | token, userData: cancellation)
            openCancellations += 1
        }
        while inFlightCount > 0 || openCancellations > 0 {
            do {
                try state.value.ring.submitAndWait()
            } catch {
                return false
            }
            state.value.ring.forEachCompletion { completion in
                if completion.userData == cancellation {
                    openCancellations -= 1
                } else if !isOurs(completion) {
                    unclaimed(completion)
                } else {
                    discard(completion)
                }
            }
        }
        return true
    }

    /// Takes a completion in of which nobody hears: what it opened is closed.
    private func discard(_ completion: Completion) {
        let index = state.value.inFlight.index(of: completion.userData & InFlightTable.tokenMask)
        if let index, state.value.inFlight.slots[index].kind == .open, completion.result >= 0 {
            _ = Glibc.close(completion.result)
        }
        _ = complete(completion)
    }
}
