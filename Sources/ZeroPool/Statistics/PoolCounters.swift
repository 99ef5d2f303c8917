import Synchronization

/// What no shard and no cache counts: transient and refused gets, by class. Atomics that all threads share, on paths that
/// map memory or have none to give.
struct PoolCounters: ~Copyable {
    struct Class: ~Copyable {
        let transientGetCount = Atomic<Int>(0)
        let transientReturnCount = Atomic<Int>(0)
        let transientDetachedEndCount = Atomic<Int>(0)
        /// Mapped now, for leases and detached buffers.
        let transientByteCount = Atomic<Int>(0)
        let refusedGetCount = Atomic<Int>(0)
    }

    /// The classes, and one more for sizes that have none.
    static let classCount = SizeClass.maximumShift - SizeClass.minimumShift + 2

    private let classes = InlineArray<20, Class> { _ in Class() }

    init() { assert(classes.count == PoolCounters.classCount) }

    /// The counts of the class of `shift`, or of all sizes that have none.
    subscript(shift shift: Int) -> Class {
        _read { yield classes[min(shift, SizeClass.maximumShift + 1) - SizeClass.minimumShift] }
    }
}
