internal import CLibUring
internal import Glibc
public import ZeroPool

/// A group of receive buffers for the kernel, filled with leases of a pool.
///
/// The kernel takes the oldest buffer for each receive (``Ring/receiveMultishot(from:group:userData:)``). ``take(_:)``
/// turns it into a lease, and ``refill()`` replaces it from the thread's cache. Keep the ring short: memory that turns
/// over through a long ring leaves the processor's cache. A host passes completions with a ``Completion/bufferID`` here
/// by the receive's user data, because the id alone does not name the group.
///
/// Use it on the ring's thread only. All methods borrow. Its end unregisters the group and returns the leases. A
/// receive that is still armed then fails with `ENOBUFS`.
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

    /// Bytes that the kernel writes into one buffer at most.
    public var bufferByteCount: Int { state.value.bufferByteCount }

    /// The number of buffers that ``refill()`` tops the ring up to, from 1 to the ring's entries. Traps on other
    /// values. A lower target removes no buffers.
    public var targetCount: Int {
        get { state.value.targetCount }
        nonmutating set {
            precondition((1...state.value.entryCount).contains(newValue), "a target is 1 to the entries")
            state.value.targetCount = newValue
        }
    }

    /// Buffers that the kernel can still take, including those whose completion was not taken yet.
    public var providedCount: Int { state.value.providedCount }

    /// Tops the ring up to its target. Returns the number of buffers that the pool could not give.
    @discardableResult
    public func refill() -> Int { state.value.refill() }

    /// Takes out all buffers that are in the ring now, the oldest first, while receives may be armed.
    ///
    /// Only an operation can take a buffer out of a group (`io_uring_provided_buffers(7)`). So this prepares a read of
    /// eight bytes per buffer, from a descriptor that it opens for this. Returns the number of completions that will
    /// have `userData`; pass each to ``take(_:)``. An armed receive has no buffer afterwards, and ends with `ENOBUFS`
    /// when bytes arrive. A buffer that a receive takes first does not come back this way.
    ///
    /// Returns 0 when the ring has no buffer, or the process has no free descriptor. Traps when buffers have fewer than
    /// eight bytes.
    public func withdraw(userData: UInt64) -> Int { state.value.withdraw(userData: userData) }

    /// The lease of the buffer that the kernel took for `completion`, with the received bytes as its written bytes; nil
    /// when it took none.
    ///
    /// Pass every completion of a receive on this group, also failed ones: some of them carry a buffer. Traps when the
    /// buffer is not out, because the completion belongs to another group or was passed before.
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
    /// Makes buffer group number `group` with `entryCount` entries (a power of two up to 32,768).
    /// ``ProvidedBufferRing/targetCount`` of them, by default all, hold a buffer of `bufferByteCount` bytes.
    ///
    /// It is filled at once, as far as the pool can. Traps when the group is not in the reservation.
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
