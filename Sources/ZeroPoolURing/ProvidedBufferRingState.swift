internal import CLibUring
internal import Glibc
internal import ZeroPool

/// What stands behind a ``ProvidedBufferRing``.
///
/// - `leases[id]` is the lease of buffer `id` while the ring holds it, that is, from `refill` until `take`.
/// - The ids without a lease are exactly `freeIDs[..<freeIDCount]`.
@safe
struct ProvidedBufferRingState: ~Copyable {
    let group: UInt16
    let entryCount: Int
    let bufferByteCount: Int
    var targetCount: Int

    private let ring: Ring
    /// Nil when the buffers come from `malloc`.
    private let pool: PoolHandle?
    private let entries: UnsafeMutablePointer<io_uring_buf_ring>
    private let leases: UnsafeMutablePointer<PooledBuffer?>
    private let freeIDs: UnsafeMutablePointer<UInt16>
    private var freeIDCount: Int

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
        let result = unsafe ring.state.pointee.memlockGrace.retry {
            unsafe io_uring_register_buf_ring(ring.state.pointee.ring, &registration, 0)
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
        unsafe leases = .allocate(capacity: entryCount)
        unsafe freeIDs = .allocate(capacity: entryCount)
        for id in 0..<entryCount {
            unsafe (leases + id).initialize(to: nil)
            unsafe (freeIDs + id).initialize(to: UInt16(entryCount - 1 - id))
        }
        freeIDCount = entryCount
    }

    deinit {
        // First the kernel's hands off the buffers, then the buffers back to the pool.
        let result = unsafe io_uring_unregister_buf_ring(ring.state.pointee.ring, Int32(group))
        // A dead ring's buffers stay with the kernel for good.
        guard result == 0 else { return }
        unsafe leases.deinitialize(count: entryCount)
        unsafe leases.deallocate()
        unsafe freeIDs.deallocate()
        unsafe UnsafeMutableRawPointer(entries).deallocate()
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
            let id = unsafe freeIDs[freeIDCount]
            unsafe io_uring_buf_ring_add(
                entries, lease.baseAddress, UInt32(bufferByteCount), id, Int32(entryCount &- 1), Int32(added))
            unsafe leases[Int(id)] = consume lease
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
        // By way of a local: Swift 6.3 crashes on `leases[Int(id)].take()` under the thread sanitizer.
        let slot = unsafe leases + Int(id)
        guard let lease = unsafe slot.pointee.take() else {
            preconditionFailure("a completion with a buffer that is not out")
        }
        unsafe freeIDs[freeIDCount] = id
        freeIDCount &+= 1
        return lease
    }
}
