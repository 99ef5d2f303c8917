internal import CLibUring
public import ZeroPool

extension RingPool {
    /// How bytes are sent to a socket.
    public enum SendMethod: Sendable {
        /// `SEND`, which copies. It refuses registered buffers, so that it uses them as plain memory.
        case plain
        /// `WRITE_FIXED` from registered memory, `SEND` from other. It copies too, without looking up the pages. A closed
        /// connection raises `SIGPIPE`: ignore that signal first. It does not wait for all bytes to be taken.
        case fixed
        /// `SEND_ZC`, from registered memory where the lease is in such; two completions. See
        /// ``Ring/sendZeroCopy(to:from:bufferIndex:waitAll:userData:)``.
        case zeroCopy
    }

    /// Sends the written bytes of `lease`, or those in `range`. Result: the byte count. It may be short, unless
    /// `waitAll` is set and there is no error.
    ///
    /// Returns the operation's user data, for ``Ring/cancel(_:userData:)``. Traps when `range` exceeds the written
    /// bytes.
    @discardableResult
    public func send(
        _ lease: consuming PooledBuffer, range: Range<Int>? = nil, to socket: IODescriptor,
        method: SendMethod = .plain, waitAll: Bool = false, context: UInt64
    ) -> UInt64 {
        let bytes = Self.written(lease, range)
        switch method {
        case .plain:
            let userData = state.value.admit(lease, context: context, kind: .lease)
            state.value.ring.state.value.prepareSend(to: socket, from: bytes, waitAll: waitAll, userData: userData)
            return userData
        case .fixed:
            let index = state.value.bufferIndex(of: lease)
            let userData = state.value.admit(lease, context: context, kind: .lease)
            if let index {
                state.value.ring.state.value.prepare(
                    .writeFixed, on: socket, address: bytes.address, length: bytes.byteCount, userData: userData
                ) { $0.buf_index = index }
            } else {
                state.value.ring.state.value.prepareSend(to: socket, from: bytes, waitAll: waitAll, userData: userData)
            }
            return userData
        case .zeroCopy:
            let index = state.value.bufferIndex(of: lease)
            let userData = state.value.admit(lease, context: context, kind: .lease)
            state.value.ring.state.value.prepareZeroCopySend(
                to: socket, from: bytes, bufferIndex: index, waitAll: waitAll, userData: userData)
            return userData
        }
    }

    /// Whether `lease` is in memory that is registered with the ring now.
    public func isRegistered(_ lease: borrowing PooledBuffer) -> Bool {
        state.value.registry?.bufferIndex(of: lease) != nil
    }

    /// Receives, and appends to the written bytes of `lease`: at most as many bytes as fit. Result: the byte count.
    @discardableResult
    public func receive(
        into lease: consuming PooledBuffer, from socket: IODescriptor, waitAll: Bool = false, context: UInt64
    ) -> UInt64 {
        let room = Self.room(lease, nil)
        let userData = state.value.admit(lease, context: context, kind: .filledLease)
        state.value.ring.state.value.prepareReceive(from: socket, into: room, waitAll: waitAll, userData: userData)
        return userData
    }

    /// Reads from `offset` of a file, and appends to the written bytes of `lease`: at most `byteCount` bytes, by
    /// default as many as fit. Result: the byte count, short at the end of the file.
    ///
    /// Uses `READ_FIXED` for registered memory, else `READ`. Traps when `byteCount` bytes don't fit.
    @discardableResult
    public func read(
        into lease: consuming PooledBuffer, byteCount: Int? = nil, from file: IODescriptor, offset: Int64,
        context: UInt64
    ) -> UInt64 {
        let room = Self.room(lease, byteCount)
        let index = state.value.bufferIndex(of: lease)
        let userData = state.value.admit(lease, context: context, kind: .filledLease)
        state.value.ring.state.value.prepare(
            index == nil ? .read : .readFixed, on: file, address: room.address, length: room.byteCount,
            offset: UInt64(bitPattern: offset), userData: userData
        ) { if let index { $0.buf_index = index } }
        return userData
    }

    /// Writes the written bytes of `lease`, or those in `range`, at `offset` of a file. Result: the byte count.
    ///
    /// Uses `WRITE_FIXED` for registered memory, else `WRITE`. Traps when `range` exceeds the written bytes.
    @discardableResult
    public func write(
        _ lease: consuming PooledBuffer, range: Range<Int>? = nil, to file: IODescriptor, offset: Int64,
        context: UInt64
    ) -> UInt64 {
        let bytes = Self.written(lease, range)
        let index = state.value.bufferIndex(of: lease)
        let userData = state.value.admit(lease, context: context, kind: .lease)
        state.value.ring.state.value.prepare(
            index == nil ? .write : .writeFixed, on: file, address: bytes.address, length: bytes.byteCount,
            offset: UInt64(bitPattern: offset), userData: userData
        ) { if let index { $0.buf_index = index } }
        return userData
    }

    // SAFETY of both: the memory is the lease's, which the in-flight table keeps for as long as the operation runs.

    @inline(__always)
    private static func written(_ lease: borrowing PooledBuffer, _ range: Range<Int>?) -> KernelMemory {
        let range = range ?? 0..<lease.count
        precondition(range.lowerBound >= 0 && range.upperBound <= lease.count, "only written bytes may leave")
        return unsafe KernelMemory(
            UnsafeRawBufferPointer(start: lease.baseAddress + range.lowerBound, count: range.count))
    }

    @inline(__always)
    private static func room(_ lease: borrowing PooledBuffer, _ byteCount: Int?) -> KernelMemory {
        let room = lease.capacity - lease.count
        let byteCount = byteCount ?? room
        precondition(byteCount >= 0 && byteCount <= room, "the lease has no room for \(byteCount) bytes")
        return unsafe KernelMemory(
            UnsafeRawBufferPointer(start: lease.baseAddress + lease.count, count: byteCount))
    }
}
