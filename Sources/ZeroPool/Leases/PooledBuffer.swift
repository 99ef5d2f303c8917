import Synchronization

/// A lease of one buffer: it returns itself when its lifetime ends, on whatever thread that is.
///
/// Unique (`~Copyable`): it can be moved to another thread, stored in a field, passed to a `consuming` parameter, and
/// neither returned twice nor used afterwards. It outlives its pool safely.
///
/// Of its `capacity` bytes the first `count` are written and can be read; the rest is what its last user left, and
/// safe API never shows it. A fresh lease has a `count` of 0, unless it was asked for `zeroed`.
///
/// Cost of the return: about ten instructions into the thread's cache; a shard's lock once in a batch when the cache
/// is full or the buffer is from another thread's shard.
@safe
public struct PooledBuffer: ~Copyable, @unchecked Sendable {
    // SAFETY: Sendable, since the lease is the only way to its memory and its descriptor, and is itself not copyable.
    // Four trivial words, so that a lease is moved in registers and no reference is counted.
    @usableFromInline let descriptor: UnsafeMutablePointer<BufferDescriptor>
    @usableFromInline let base: UnsafeMutableRawPointer
    // Where a return looks first: where the get did, whatever that found, so that nothing has to be chosen between them.
    // The magazine's tag says whether the buffer belongs there. (The descriptor knows where it does, but to load that
    // from it would put three loads, one after the other, between a return and the next get.)
    @usableFromInline let place: MagazinePlace

    /// How many bytes, from the first, are written: what `bytes` shows. At most `capacity`.
    public internal(set) var count: Int {
        @inlinable get { writtenByteCount }
        set { writtenByteCount = newValue }
    }

    @usableFromInline var writtenByteCount: Int

    /// A lease of the buffer of `descriptor`, got at `place`.
    @inlinable @inline(__always)
    init(_ descriptor: UnsafeMutablePointer<BufferDescriptor>, _ place: MagazinePlace) {
        unsafe self.descriptor = unsafe descriptor
        unsafe base = unsafe descriptor.pointee.base
        self.place = place
        writtenByteCount = 0
    }

    /// A lease of `base`, which is the descriptor's unless that stands for many.
    init(_ descriptor: DescriptorPointer, base: UnsafeMutableRawPointer) {
        unsafe self.descriptor = unsafe descriptor
        unsafe self.base = unsafe base
        place = unsafe descriptor.pointee.place
        writtenByteCount = 0
    }

    @inlinable @inline(__always)
    deinit {
        if _fastPath(unsafe place.push(descriptor)) { return }
        unsafe PooledBuffer.giveBackSlow(descriptor, base)
    }

    @usableFromInline @inline(never)
    static func giveBackSlow(_ descriptor: UnsafeMutablePointer<BufferDescriptor>, _ base: UnsafeMutableRawPointer) {
        if unsafe descriptor.pointee.place.makeRoomAndPush(descriptor) { return }
        guard let reference = unsafe descriptor.pointee.arena else {
            if unsafe descriptor.pointee.isShare { return unsafe SharedBuffer.end(descriptor) }
            return unsafe AllocatedBuffers.free(descriptor, base)
        }
        // Retained for the call: the return of the last buffer of a closed pool ends arena, shard and core.
        let arena = unsafe reference.takeUnretainedValue()
        let core = arena.core
        unsafe core.memoryReturns(descriptor)
        switch arena.kind {
        case .pooled: unsafe core.giveBack(descriptor)
        case .transient(let shift):
            core.counters[shift: shift].transientReturnCount.add(1, ordering: .relaxed)
            unsafe reference.release()
        }
    }

    /// As many bytes as the buffer has: the size class, at least what was asked for.
    public var capacity: Int { unsafe descriptor.pointee.byteCount }

    /// Where the buffer stands in the pool: what a ring needs to name it as a registered buffer.
    public var location: BufferLocation {
        unsafe BufferLocation(
            shard: Int(descriptor.pointee.shardIndex), arena: Int(descriptor.pointee.arenaIndex))
    }

    /// The first byte, for calls that take a pointer. Valid until the lease ends, which the caller sees to.
    @unsafe
    public var baseAddress: UnsafeMutableRawPointer { @inlinable get { unsafe base } }

    /// Turns the lease into an owner that never gives the memory back for reuse.
    public consuming func detach() -> DetachedBuffer {
        unsafe precondition(!descriptor.pointee.isShare, "a share is not the only owner of its memory")
        let (descriptor, base, count) = unsafe (descriptor, base, count)
        discard self
        return unsafe DetachedBuffer(descriptor: descriptor, base: base, count: count)
    }
}

/// A buffer's place: its home shard and its arena there.
public struct BufferLocation: Sendable, Equatable {
    /// The index of the buffer's home shard.
    public let shard: Int
    /// The `Arena.index` of the arena it was carved from; past `Arena.maximumCountPerShard` where it has none that is
    /// observed (transient memory).
    public let arena: Int
}

extension PooledBuffer {
    /// The written bytes, `count` of them.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The written bytes, to change in place.
    public var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            let span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// Appends to the written bytes: `body` fills a span over the rest of the capacity, and what it wrote counts.
    ///
    /// What `body` wrote before it threw counts too.
    public mutating func append<Failure: Error, Result: ~Copyable>(
        _ body: (_ output: inout OutputRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let rest = unsafe UnsafeMutableRawBufferPointer(start: base + count, count: capacity - count)
        var output = unsafe OutputRawSpan(buffer: rest, initializedCount: 0)
        do throws(Failure) {
            let result = try body(&output)
            writtenByteCount += unsafe output.finalize(for: rest)
            return result
        } catch {
            writtenByteCount += unsafe output.finalize(for: rest)
            throw error
        }
    }

    /// Appends a copy of `bytes`. Traps when they are more than the capacity has left.
    public mutating func append(copying bytes: RawSpan) {
        precondition(bytes.byteCount <= capacity - count, "the buffer has no room for \(bytes.byteCount) bytes more")
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + count).copyMemory(from: start, byteCount: source.count)
        }
        writtenByteCount += bytes.byteCount
    }

    /// Forgets what was written: `count` is 0 again.
    public mutating func removeAll() { writtenByteCount = 0 }

    /// Keeps the first `newCount` written bytes. Traps unless `0 <= newCount <= count`.
    public mutating func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count, "a buffer is truncated to at most its count")
        writtenByteCount = newCount
    }

    /// The whole capacity, written or not, for calls that fill memory through a pointer.
    ///
    /// Unsafe: past `count` it shows what earlier users left, and the pointer is valid in `body` only.
    @unsafe
    public mutating func withUnsafeMutableBytes<Failure: Error, Result: ~Copyable>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: capacity))
    }

    /// Says that the first `newCount` bytes are written, as a receive into the buffer's memory does.
    ///
    /// Unsafe: the caller has seen them written, else safe API shows what earlier users left. Traps unless
    /// `0 <= newCount <= capacity`.
    @unsafe
    public mutating func setCount(_ newCount: Int) {
        precondition(newCount >= 0 && newCount <= capacity, "a buffer's count is at most its capacity")
        writtenByteCount = newCount
    }
}

extension Array where Element == UInt8 {
    /// A copy of the written bytes of `buffer`.
    public init(copying buffer: borrowing PooledBuffer) {
        self = unsafe buffer.bytes.withUnsafeBytes { unsafe Array($0) }
    }
}
