internal import CLibUring
internal import Glibc
internal import ZeroPool

/// Which arenas are registered with the ring, and the calls that register and unregister them.
///
/// `ranges[i]` is the address range of the shard's arena `i` while slot `slots.lowerBound + i` of the ring's buffer
/// table holds it, and empty otherwise. A lease is found by its addresses, not by its shard: a lease of another shard, or of another
/// pool, that happens to carry the same arena number is thus never taken for a registered one.
struct RegistrationTable: ~Copyable {
    struct AddressRange {
        var start: UInt
        var byteCount: UInt
    }

    private let ring: Ring
    private let slots: Range<UInt32>
    private let ownsTable: Bool
    private var ranges: Slab<AddressRange>
    /// The limit on locked memory is reached, and nothing was unregistered since.
    private var isAtLimit = false

    private(set) var registrations = RingPool.Registrations()

    /// Registers the sparse table if it is ours to register.
    init(ring: borrowing Ring, slots: Range<UInt32>, ownsTable: Bool) throws(RingError) {
        if ownsTable {
            let result = unsafe io_uring_register_buffers_sparse(ring.state.value.ring, slots.upperBound)
            if result < 0 { throw RingError(.registerBuffers, errno: -result) }
        }
        self.ring = Ring(sharing: ring)
        self.slots = slots
        self.ownsTable = ownsTable
        // Zeroed, and not touched before it is used: of 16,384 slots a shard seldom uses more than a few.
        ranges = unsafe Slab(zeroedCount: slots.count)
    }

    /// The slot of the ring's buffer table that covers a buffer at `address` in arena number `arena`; nil when none does.
    @inline(__always)
    func bufferIndex(address: UnsafeRawPointer, arena: Int) -> UInt16? {
        guard arena < ranges.count else { return nil }
        let range = ranges[arena]
        guard UInt(bitPattern: address) &- range.start < range.byteCount else { return nil }
        return UInt16(truncatingIfNeeded: slots.lowerBound) &+ UInt16(truncatingIfNeeded: arena)
    }

    /// Does what an event of the shard asks for.
    mutating func handle(_ event: ArenaEvent) -> ArenaReply {
        switch event {
        case .made(let arena): register(arena) ? .hold : .release
        case .mayGo(let arena): unregister(arena)
        }
    }

    /// Registers an arena if that is possible now.
    private mutating func register(_ arena: Arena) -> Bool {
        guard arena.index < slots.count, !isAtLimit else {
            registrations.plainArenaCount += 1
            return false
        }
        var result = update(arena.index, to: arena)
        if result == -ENOMEM, fitsUnderLimit(arena) {
            result = ring.state.value.memlockGrace.retry {
                update(arena.index, to: arena)
            }
        }
        guard result >= 0 else {
            registrations.plainArenaCount += 1
            registrations.lastError = RingError(.updateBuffers, errno: -result)
            if result == -ENOMEM {
                registrations.memlockRefusalCount += 1
                isAtLimit = true
            }
            return false
        }
        ranges[arena.index] = unsafe AddressRange(
            start: UInt(bitPattern: arena.baseAddress), byteCount: UInt(arena.byteCount))
        registrations.registeredArenaCount += 1
        registrations.registeredByteCount += arena.byteCount
        return true
    }

    private mutating func unregister(_ arena: Arena) -> ArenaReply {
        let result = update(arena.index, to: nil)
        // Memory that is still registered must stay mapped, whatever the reason.
        guard result >= 0 else {
            registrations.lastError = RingError(.updateBuffers, errno: -result)
            return .hold
        }
        forget(arena.index)
        isAtLimit = false
        return .release
    }

    private mutating func forget(_ index: Int) {
        registrations.registeredArenaCount -= 1
        registrations.registeredByteCount -= Int(ranges[index].byteCount)
        ranges[index] = AddressRange(start: 0, byteCount: 0)
    }

    /// Whether the limit on locked memory would allow the arena, were nobody else charged. The ring itself needs some.
    private func fitsUnderLimit(_ arena: Arena) -> Bool {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
        return registrations.registeredByteCount + arena.byteCount < Int(clamping: limit.rlim_cur)
    }

    /// Registers an arena in its slot, or with nil leaves the slot empty. Returns a negative `errno` on failure.
    private func update(_ index: Int, to arena: Arena?) -> Int32 {
        var memory = unsafe iovec(iov_base: arena?.baseAddress, iov_len: arena?.byteCount ?? 0)
        var tag: UInt64 = 0
        return unsafe io_uring_register_buffers_update_tag(
            ring.state.value.ring, slots.lowerBound + UInt32(index), &memory, &tag, 1)
    }

    /// Unregisters everything, in time for what follows: a ring's end alone gives the charge back only later.
    ///
    /// What the kernel does not let go of stays in the registrations.
    mutating func unregisterAll() {
        for index in 0..<slots.count where registrations.registeredArenaCount > 0 {
            guard ranges[index].byteCount > 0 else { continue }
            let result = update(index, to: nil)
            if result >= 0 {
                forget(index)
            } else {
                registrations.lastError = RingError(.updateBuffers, errno: -result)
            }
        }
        guard ownsTable else { return }
        let result = unsafe io_uring_unregister_buffers(ring.state.value.ring)
        guard result >= 0 else {
            registrations.lastError = RingError(.unregisterBuffers, errno: -result)
            return
        }
        // The table went with all that was still in it.
        for index in 0..<slots.count where registrations.registeredArenaCount > 0 {
            if ranges[index].byteCount > 0 { forget(index) }
        }
    }
}

/// A shard's arenas as buffers registered with a ring: the shard's news go into the ring's buffer table.
struct ArenaRegistry: ~Copyable {
    private var observer: ArenaObserver
    private var table: RegistrationTable

    init(observer: consuming ArenaObserver, table: consuming RegistrationTable) {
        self.observer = observer
        self.table = table
    }

    var registrations: RingPool.Registrations { table.registrations }

    /// Registers and unregisters what the shard made and would give up. Without news one load.
    @inline(__always)
    mutating func synchronize() {
        if observer.hasNews { poll() }
    }

    @inline(never)
    private mutating func poll() {
        unsafe withUnsafeMutablePointer(to: &table) { table in
            observer.poll { event in unsafe table.pointee.handle(event) }
        }
    }

    /// The slot of the ring's buffer table that covers the lease, after the latest news; nil when none does.
    @inline(__always)
    mutating func bufferIndex(of lease: borrowing PooledBuffer) -> UInt16? {
        synchronize()
        return unsafe table.bufferIndex(address: lease.baseAddress, arena: lease.location.arena)
    }

    /// To be called before the value ends, which lets the arenas go.
    mutating func unregisterAll() { table.unregisterAll() }
}
