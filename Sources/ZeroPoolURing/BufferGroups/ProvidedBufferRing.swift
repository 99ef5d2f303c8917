internal import CLibUring
internal import Glibc
public import ZeroPool

/// A buffer group that the kernel takes receive buffers from, filled with leases of a pool.
///
/// The kernel takes the oldest buffer for each receive (``Ring/receiveMultishot(from:group:userData:)``); ``take(_:)``
/// makes a lease of it, and ``refill()`` puts another in its place, out of the thread's cache. Short is fast: what
/// turns over through a long ring leaves the processor's cache. A host's completions with ``Completion/bufferID`` come
/// here by the receive's user data: the id alone does not say which group it is of.
///
/// Belongs to the ring's thread; all methods borrow. Its end unregisters the group, then gives the leases back; a
/// receive that is still armed on it then fails with `ENOBUFS`.
@safe
public struct ProvidedBufferRing: ~Copyable {
    private let state: Shared<State>

    init(
        ring: borrowing Ring, source: BufferSource, group: UInt16, entryCount: Int, bufferByteCount: Int,
        targetCount: Int
    ) throws(RingError) {
        state = Shared(
            try State(
                ring: ring, source: source, group: group, entryCount: entryCount, bufferByteCount: bufferByteCount,
                targetCount: targetCount))
        refill()
    }

    deinit { close() }

    /// Ends the group before the value ends, on the ring's thread. Nothing else may be called afterwards.
    package func close() {
        guard !state.value.isClosed else { return }
        // First the kernel's hands off the buffers, then the buffers back to the pool. A dead ring's stay for good.
        if !state.value.close() { state.keepForever() }
    }

    /// The id of the buffer group.
    public var group: UInt16 { state.value.group }

    /// As many bytes as the kernel writes into one buffer at most.
    public var bufferByteCount: Int { state.value.bufferByteCount }

    /// As many buffers as ``refill()`` tops up to: 1 to the ring's entries, else it traps. Less than the buffers that are
    /// there takes none away.
    public var targetCount: Int {
        get { state.value.targetCount }
        nonmutating set {
            precondition((1...state.value.entryCount).contains(newValue), "a target is 1 to the entries")
            state.value.targetCount = newValue
        }
    }

    /// As many buffers as the kernel can still take, those included whose completion was not taken yet.
    public var providedCount: Int { state.value.providedCount }

    /// Tops the ring up to its target. Returns how many buffers are missing, since the pool gave none.
    @discardableResult
    public func refill() -> Int { state.value.refill() }

    /// Takes out all buffers that are there now, the oldest first, whatever receives are armed: to give memory back.
    ///
    /// Nothing but an operation takes a buffer out of a group, whose head is the kernel's (`io_uring_provided_buffers(7)`). So
    /// this prepares a read of eight bytes for each, which is served at once, and the end of what they read. Returns how many
    /// completions come of that with `userData`; pass each to ``take(_:)``. Armed receives have no buffer before bytes are
    /// there, and one that then finds none ends with `ENOBUFS`; a buffer that a receive takes first is not among those that
    /// come back.
    ///
    /// Returns 0 when there is no buffer, or no descriptor, of which it takes one for a moment. Traps when buffers have less
    /// than eight bytes.
    public func withdraw(userData: UInt64) -> Int { state.value.withdraw(userData: userData) }

    /// The lease of the buffer that the kernel took for `completion`, with as many written bytes as it received; nil
    /// when it took none. Every completion of a receive on this group has to come by here, failed ones too: some carry
    /// a buffer.
    ///
    /// Traps when the buffer is not out: the completion is another group's, or was here before.
    public func take(_ completion: Completion) -> PooledBuffer? {
        guard let id = completion.bufferID else { return nil }
        var lease = state.value.take(id)
        if completion.result > 0 {
            // SAFETY: the kernel wrote that many bytes from the first on.
            unsafe lease.setCount(Int(completion.result))
        }
        return lease
    }
}

extension ProvidedBufferRing {
    /// What stands behind the handle.
    ///
    /// - `leases[id]` is the lease of buffer `id` while the ring holds it, that is, from `refill` until `take`.
    /// - The ids without a lease are exactly `freeIDs[..<freeIDCount]`.
    @safe
    private struct State: ~Copyable {
        let group: UInt16
        let entryCount: Int
        let bufferByteCount: Int
        var targetCount: Int

        private let ring: Ring
        /// Nil when the buffers come from `malloc`.
        private let pool: PoolHandle?
        private let entries: UnsafeMutablePointer<io_uring_buf_ring>
        private var leases: Slab<PooledBuffer?>
        private var freeIDs: Slab<UInt16>
        private var freeIDCount: Int
        private(set) var isClosed = false

        init(
            ring: borrowing Ring, source: BufferSource, group: UInt16, entryCount: Int, bufferByteCount: Int,
            targetCount: Int
        ) throws(RingError) {
            precondition(
                (1...32768).contains(entryCount) && entryCount.nonzeroBitCount == 1,
                "a buffer ring has a power of two of entries, up to 32,768, not \(entryCount)")
            precondition((1...entryCount).contains(targetCount), "a target is 1 to the entries, not \(targetCount)")
            precondition((1...Int(Int32.max)).contains(bufferByteCount), "a buffer has 1 byte to 2 GiB")
            // The kernel maps the entries: whole pages. Zeroed, which also sets the tail.
            let byteCount = entryCount * MemoryLayout<io_uring_buf>.stride
            let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
            unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
            var registration = io_uring_buf_reg()
            registration.ring_addr = UInt64(UInt(bitPattern: memory))
            registration.ring_entries = UInt32(entryCount)
            registration.bgid = group
            let result = ring.state.value.memlockGrace.retry {
                unsafe io_uring_register_buf_ring(ring.state.value.ring, &registration, 0)
            }
            guard result == 0 else {
                unsafe memory.deallocate()
                throw RingError(.registerBufferRing, errno: -result)
            }
            self.ring = Ring(sharing: ring)
            switch source {
            case .pool(let pool): self.pool = pool.handle(bufferByteCount)
            case .allocator: pool = nil
            }
            self.group = group
            self.entryCount = entryCount
            self.bufferByteCount = bufferByteCount
            self.targetCount = targetCount
            unsafe entries = memory.bindMemory(to: io_uring_buf_ring.self, capacity: 1)
            leases = Slab(count: entryCount) { _ in nil }
            freeIDs = Slab(count: entryCount) { UInt16(entryCount - 1 - $0) }
            freeIDCount = entryCount
        }

        deinit { unsafe UnsafeMutableRawPointer(entries).deallocate() }

        /// False when the kernel refuses: then it may still write to the buffers.
        mutating func close() -> Bool {
            isClosed = true
            guard unsafe io_uring_unregister_buf_ring(ring.state.value.ring, Int32(group)) == 0 else { return false }
            leases = Slab { _ in nil }
            return true
        }

        var providedCount: Int { entryCount - freeIDCount }

        mutating func refill() -> Int {
            let missing = targetCount - providedCount
            guard missing > 0 else { return 0 }
            return missing - provide(atMost: missing)
        }

        /// Gives the kernel leases until there are `limit` more, or no more to be had. Returns how many there were.
        private mutating func provide(atMost limit: Int) -> Int {
            var added = 0
            while added < limit, let lease = nextLease() {
                freeIDCount &-= 1
                let id = freeIDs[freeIDCount]
                unsafe io_uring_buf_ring_add(
                    entries, lease.baseAddress, UInt32(bufferByteCount), id, Int32(entryCount &- 1), Int32(added))
                leases[Int(id)] = consume lease
                added &+= 1
            }
            if added > 0 { unsafe io_uring_buf_ring_advance(entries, Int32(added)) }
            return added
        }

        @inline(__always)
        private borrowing func nextLease() -> PooledBuffer? {
            switch pool {
            case .some(let pool): pool.tryGet()
            case .none: AllocatedBuffers.tryGet(bufferByteCount)
            }
        }

        func withdraw(userData: UInt64) -> Int {
            precondition(bufferByteCount >= 8, "a buffer that is withdrawn has eight bytes or more")
            let count = providedCount
            guard count > 0 else { return 0 }
            // So many reads of eight bytes are served at once, and any further one fails instead of waiting.
            let events = eventfd(UInt32(count), Int32(EFD_SEMAPHORE) | Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
            guard events >= 0 else { return 0 }
            for _ in 0..<count { ring.read(from: .file(events), group: group, byteCount: 8, userData: userData) }
            // Operations start in order: by then the reads have had their file.
            ring.close(.file(events), userData: userData)
            return count + 1
        }

        mutating func take(_ id: UInt16) -> PooledBuffer {
            precondition(Int(id) < entryCount, "a completion with a buffer of another group")
            guard let lease = leases.exchange(nil, at: Int(id)) else {
                preconditionFailure("a completion with a buffer that is not out")
            }
            freeIDs[freeIDCount] = id
            freeIDCount &+= 1
            return lease
        }
    }
}

/// Where a provided-buffer ring has its buffers from.
package enum BufferSource {
    /// From a pool, as long as that gives some.
    case pool(BufferPool)
    /// From `malloc`, each allocated for its use: what a program without a pool does.
    case allocator
}

extension RingPool {
    /// Makes buffer group number `group` of the ring: `entryCount` entries (a power of two up to 32,768), of which up to
    /// `targetCount` (by default all) hold a buffer of `bufferByteCount` bytes.
    ///
    /// It is filled at once, as far as the pool gives. Traps when the group is not of the reservation.
    public func makeBufferRing(
        group: UInt16, entryCount: Int, bufferByteCount: Int, targetCount: Int? = nil
    ) throws(RingError) -> ProvidedBufferRing {
        try makeBufferRing(
            group: group, entryCount: entryCount, bufferByteCount: bufferByteCount, targetCount: targetCount,
            source: .pool(state.value.pool))
    }

    /// As above, with buffers from elsewhere: for comparisons.
    package func makeBufferRing(
        group: UInt16, entryCount: Int, bufferByteCount: Int, targetCount: Int? = nil, source: BufferSource
    ) throws(RingError) -> ProvidedBufferRing {
        precondition(state.value.reservation.bufferGroups.contains(group), "the buffer group is not reserved")
        return try ProvidedBufferRing(
            ring: state.value.ring, source: source, group: group, entryCount: entryCount,
            bufferByteCount: bufferByteCount, targetCount: targetCount ?? entryCount)
    }
}
