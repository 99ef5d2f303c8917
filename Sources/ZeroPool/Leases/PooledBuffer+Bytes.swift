extension PooledBuffer {
    /// The written bytes, `count` of them.
    public var bytes: RawSpan {
        @_lifetime(borrow self)
        get {
            let span = unsafe RawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The written bytes, for changes in place.
    public var mutableBytes: MutableRawSpan {
        @_lifetime(&self)
        mutating get {
            let span = unsafe MutableRawSpan(_unsafeStart: base, byteCount: count)
            return unsafe _overrideLifetime(span, mutating: &self)
        }
    }

    /// Appends to the written bytes: `body` writes into a span over the remaining capacity. What it wrote counts, also
    /// when it throws.
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

    /// Appends a copy of `bytes`. Traps when they don't fit into the remaining capacity.
    public mutating func append(copying bytes: RawSpan) {
        precondition(bytes.byteCount <= capacity - count, "the buffer has no room for \(bytes.byteCount) bytes more")
        unsafe bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            unsafe (base + count).copyMemory(from: start, byteCount: source.count)
        }
        writtenByteCount += bytes.byteCount
    }

    /// Sets `count` to 0.
    public mutating func removeAll() { writtenByteCount = 0 }

    /// Keeps the first `newCount` written bytes. Traps unless `0 <= newCount <= count`.
    public mutating func truncate(to newCount: Int) {
        precondition(newCount >= 0 && newCount <= count, "a buffer is truncated to at most its count")
        writtenByteCount = newCount
    }

    /// Calls `body` with the whole capacity, for calls that write through a pointer.
    ///
    /// Unsafe: past `count` it shows bytes of earlier users. The pointer is valid in `body` only.
    @unsafe
    public mutating func withUnsafeMutableBytes<Failure: Error, Result: ~Copyable>(
        _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(UnsafeMutableRawBufferPointer(start: base, count: capacity))
    }

    /// Declares the first `newCount` bytes written, for example after a receive into the buffer's memory.
    ///
    /// Unsafe: safe API shows bytes of earlier users if they were not written. Traps unless `0 <= newCount <=
    /// capacity`.
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
