internal import CLibUring
internal import Glibc
internal import ZeroPool

/// Which arenas are registered with the ring, and the calls that register and unregister them.
///
/// `ranges[i]` is the address range of the shard's arena `i` while slot `slots.lowerBound + i` of the ring's buffer
/// table holds it, and empty otherwise. A lease is found by its addresses, not by its shard: a lease of another shard, or of another
/// pool, that happens to carry the same arena number is thus never taken for a registered one.
@safe
struct RegistrationTable: ~Copyable {
    struct AddressRange {
        var start: UInt
        var byteCount: UInt
    }

    private let ring: UnsafeMutablePointer<RingState>
    private let slots: Range<UInt32>
    private let ownsTable: Bool
    private let ranges: UnsafeMutablePointer<AddressRange>
    /// The limit on locked memory is reached, and nothing was unregistered since.
    private var isAtLimit = false

    private(set) var registrations = RingPool.Registrations()

    /// Registers the sparse table if it is ours to register. The ring must outlive this value.
    init(ring: UnsafeMutablePointer<RingState>, slots: Range<UInt32>, ownsTable: Bool) throws(RingError) {
        if ownsTable {
            let result = unsafe io_uring_register_buffers_sparse(ring.pointee.ring, slots.upperBound)
            if result < 0 { throw RingError(.registerBuffers, errno: -result) }
        }
        unsafe self.ring = ring
        self.slots = slots
        self.ownsTable = ownsTable
        // Zeroed, and not touched before it is used: of 16,384 slots a shard seldom uses more than a few.
        unsafe ranges = calloc(slots.count, MemoryLayout<AddressRange>.stride)!
            .bindMemory(to: AddressRange.self, capacity: slots.count)
    }

    deinit { unsafe free(ranges) }

    /// The slot of the ring's buffer table that covers a buffer at `address` in arena number `arena`; nil when none does.
    @inline(__always)
    func bufferIndex(address: UnsafeRawPointer, arena: Int) -> UInt16? {
        guard arena < slots.count else { return nil }
        let range = unsafe ranges[arena]
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
        var result = unsafe update(arena.index, base: arena.baseAddress, byteCount: arena.byteCount)
        if result == -ENOMEM, fitsUnderLimit(arena) {
            result = unsafe ring.pointee.memlockGrace.retry {
                unsafe update(arena.index, base: arena.baseAddress, byteCount: arena.byteCount)
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
        unsafe ranges[arena.index] = AddressRange(
            start: UInt(bitPattern: arena.baseAddress), byteCount: UInt(arena.byteCount))
        registrations.registeredArenaCount += 1
        registrations.registeredByteCount += arena.byteCount
        return true
    }

    private mutating func unregister(_ arena: Arena) -> ArenaReply {
        let result = unsafe update(arena.index, base: nil, byteCount: 0)
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
        registrations.registeredByteCount -= unsafe Int(ranges[index].byteCount)
        unsafe ranges[index] = AddressRange(start: 0, byteCount: 0)
    }

    /// Whether the limit on locked memory would allow the arena, were nobody else charged. The ring itself needs some.
    private func fitsUnderLimit(_ arena: Arena) -> Bool {
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit)
        return registrations.registeredByteCount + arena.byteCount < Int(clamping: limit.rlim_cur)
    }

    private func update(_ index: Int, base: UnsafeMutableRawPointer?, byteCount: Int) -> Int32 {
        var memory = unsafe iovec(iov_base: base, iov_len: byteCount)
        var tag: UInt64 = 0
        return unsafe io_uring_register_buffers_update_tag(
            ring.pointee.ring, slots.lowerBound + UInt32(index), &memory, &tag, 1)
    }

    /// Unregisters everything, in time for what follows: a ring's end alone gives the charge back only later.
    ///
    /// What the kernel does not let go of stays in the registrations.
    mutating func unregisterAll() {
        for index in 0..<slots.count where registrations.registeredArenaCount > 0 {
            guard unsafe ranges[index].byteCount > 0 else { continue }
            let result = unsafe update(index, base: nil, byteCount: 0)
            if result >= 0 {
                forget(index)
            } else {
                registrations.lastError = RingError(.updateBuffers, errno: -result)
            }
        }
        guard ownsTable else { return }
        let result = unsafe io_uring_unregister_buffers(ring.pointee.ring)
        guard result >= 0 else {
            registrations.lastError = RingError(.unregisterBuffers, errno: -result)
            return
        }
        // The table went with all that was still in it.
        for index in 0..<slots.count where registrations.registeredArenaCount > 0 {
            if unsafe ranges[index].byteCount > 0 { forget(index) }
        }
    }
}
