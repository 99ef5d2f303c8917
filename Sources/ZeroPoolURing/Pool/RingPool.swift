internal import Glibc
internal import Synchronization
public import ZeroPool

/// A buffer pool inside a ring: operations take leases and give them back with their final completion.
///
/// It binds one shard of a `BufferPool` to one ``Ring``. It registers the shard's arenas with the ring as they are
/// made, as far as the limit on locked memory allows, and unregisters them before they are unmapped. An operation
/// **consumes** its lease, so nothing can free or reuse memory that the kernel may still touch. ``complete(_:)``
/// returns the lease with the final completion.
///
/// ```swift
/// let ringPool = try RingPool(ring: ring, pool: pool, shard: 0)
/// ringPool.send(buffer, to: .file(socket), context: 7)
/// try ring.submitAndWait()
/// ring.forEachCompletion { completion in
///     guard var completed = ringPool.complete(completion) else { return /* an operation of the program itself */ }
///     // completed.context, completed.result, completed.lease.take()
/// }
/// ```
///
/// Use it on the ring's thread only. All methods borrow, so a class may keep it in a `let`. On a host's ring,
/// ``Reservation`` is the contract.
@safe
public struct RingPool: ~Copyable {
    /// How much of the shard's memory is registered with the ring.
    public struct Registrations: Sendable {
        /// Arenas registered now.
        public internal(set) var registeredArenaCount = 0
        /// Bytes registered now.
        public internal(set) var registeredByteCount = 0
        /// Arenas so far that could not be registered. Their buffers are used as plain memory.
        public internal(set) var plainArenaCount = 0
        /// Refusals by the kernel because of the limit on locked memory (`ENOMEM`).
        public internal(set) var memlockRefusalCount = 0
        /// Operations so far that named registered memory.
        public internal(set) var fixedOperationCount = 0
        /// Fixed operations so far that became plain ones, because the memory of their lease is not registered here.
        public internal(set) var plainFallbackCount = 0
        /// Why the latest arena could not be registered. Show its ``RingError/remedy`` to the user.
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

    /// The pool's operations in flight.
    public var inFlightCount: Int { state.value.inFlight.count }

    /// The shard's registered memory. Zero after ``close(unclaimed:)``, unless the kernel refused to release it.
    public var registrations: Registrations {
        var registrations = state.value.currentRegistrations
        registrations.plainFallbackCount = state.value.plainFallbackCount
        registrations.fixedOperationCount = state.value.fixedOperationCount
        return registrations
    }

    /// Registers new arenas of the shard and unregisters empty ones. Call it once per turn of the loop.
    ///
    /// Cost: one load when there is nothing to do. Registering pins the arena's memory, and takes longer for larger
    /// arenas.
    public func synchronize() { state.value.registry?.synchronize() }

    /// Ends the pool's part in the ring. Afterwards the kernel holds no lease, and nothing is registered.
    ///
    /// On its own ring, it cancels the operations that hold leases and waits for their final completions. Other
    /// completions go to `unclaimed`. A zero-copy send ends only when its peer has acknowledged the bytes or its
    /// connection is aborted, so close the connections first. A completion that was reaped but not passed to
    /// ``complete(_:)`` makes it wait for ever. On a host's ring, only the host reaps; there it traps while
    /// ``inFlightCount`` is not 0. No operation may follow. A second call has no effect. `deinit` calls it.
    ///
    /// If the ring had failed or the kernel refused, ``inFlightCount`` or the registered bytes are not 0 afterwards.
    /// The memory that the kernel may still touch then stays mapped until the process ends.
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
