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
    private let state: UnsafeMutablePointer<ProvidedBufferRingState>

    init(
        ring: borrowing Ring, source: BufferSource, group: UInt16, entryCount: Int, bufferByteCount: Int,
        targetCount: Int
    ) throws(RingError) {
        let value = try ProvidedBufferRingState(
            ring: ring, source: source, group: group, entryCount: entryCount, bufferByteCount: bufferByteCount,
            targetCount: targetCount)
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: value)
        refill()
    }

    deinit {
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    /// The id of the buffer group.
    public var group: UInt16 { unsafe state.pointee.group }

    /// As many bytes as the kernel writes into one buffer at most.
    public var bufferByteCount: Int { unsafe state.pointee.bufferByteCount }

    /// As many buffers as ``refill()`` tops up to: 1 to the ring's entries, else it traps. Less than the buffers that are
    /// there takes none away.
    public var targetCount: Int {
        get { unsafe state.pointee.targetCount }
        nonmutating set {
            precondition(unsafe (1...state.pointee.entryCount).contains(newValue), "a target is 1 to the entries")
            unsafe state.pointee.targetCount = newValue
        }
    }

    /// As many buffers as the kernel can still take, those included whose completion was not taken yet.
    public var providedCount: Int { unsafe state.pointee.providedCount }

    /// Tops the ring up to its target. Returns how many buffers are missing, since the pool gave none.
    @discardableResult
    public func refill() -> Int { unsafe state.pointee.refill() }

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
    public func withdraw(userData: UInt64) -> Int { unsafe state.pointee.withdraw(userData: userData) }

    /// The lease of the buffer that the kernel took for `completion`, with as many written bytes as it received; nil
    /// when it took none. Every completion of a receive on this group has to come by here, failed ones too: some carry
    /// a buffer.
    ///
    /// Traps when the buffer is not out: the completion is another group's, or was here before.
    public func take(_ completion: Completion) -> PooledBuffer? {
        guard let id = completion.bufferID else { return nil }
        var lease = unsafe state.pointee.take(id)
        if completion.result > 0 {
            // SAFETY: the kernel wrote that many bytes from the first on.
            unsafe lease.setCount(Int(completion.result))
        }
        return lease
    }
}
