internal import ZeroPool

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
