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

    /// A completion of one of the pool's operations.
    public struct Completed: ~Copyable {
        /// The lease of the operation. Nil before the final completion, and for operations without a lease. `take()` it
        /// to keep it.
        ///
        /// After a read or a receive, its written bytes have grown by the result.
        public var lease: PooledBuffer?
        /// A `struct statx`, after a ``RingPool/status(of:context:)`` that succeeded.
        private let status: Operands?
        /// The slot that a successful ``RingPool/installFile(_:context:)`` took; otherwise nil.
        public internal(set) var fileSlot: UInt32?
        /// The context that was passed to the operation.
        public let context: UInt64
        /// The result and the flags.
        public let completion: Completion

        @inline(__always)
        init(
            lease: consuming PooledBuffer?, status: consuming Operands?, context: UInt64, completion: Completion
        ) {
            self.lease = lease
            self.status = status
            self.context = context
            self.completion = completion
        }

        /// The operation's result: a byte count, a descriptor, or a negative `errno`.
        public var result: Int32 { completion.result }

        /// The descriptor that a successful ``RingPool/open(path:from:flags:mode:resolution:context:)`` returned. The
        /// caller closes it. Nil after a failure.
        public var descriptor: Int32? { completion.result >= 0 ? completion.result : nil }

        /// The status that a successful ``RingPool/status(of:context:)`` returned; otherwise nil.
        public var fileStatus: FileStatus? {
            switch status {
            case .some(let statx): FileStatus(statx: statx)
            case .none: nil
            }
        }

        /// The lease, when the rest is not needed.
        public consuming func takeLease() -> PooledBuffer? { lease }
    }

    /// Whether a completion belongs to an operation of a pool with this pool's reservation.
    @inline(__always)
    public func isOurs(_ completion: Completion) -> Bool {
        let reservation = state.value.reservation
        return completion.userData & reservation.userDataMask == reservation.userDataValue
    }

    /// Accepts a completion. Returns nil when it does not belong to an operation in flight of this pool.
    ///
    /// The final completion returns the lease. Pass each completion once.
    public func complete(_ completion: Completion) -> Completed? {
        guard completion.userData & ~InFlightTable.tokenMask == state.value.userDataBase,
            let index = state.value.inFlight.index(of: completion.userData & InFlightTable.tokenMask)
        else { return nil }
        let context = state.value.inFlight.slots[index].context
        guard completion.isFinal else {
            return Completed(lease: nil, status: nil, context: context, completion: completion)
        }
        let kind = state.value.inFlight.slots[index].kind
        guard kind == .lease || kind == .filledLease else { return completeWithoutLease(completion, index) }
        var lease = state.value.inFlight.removeLease(at: index)
        if kind == .filledLease, completion.result > 0, let count = lease?.count {
            // SAFETY: the kernel wrote that many bytes behind the others.
            unsafe lease?.setCount(count + Int(completion.result))
        }
        return Completed(lease: lease, status: nil, context: context, completion: completion)
    }

    @inline(never)
    private func completeWithoutLease(_ completion: Completion, _ index: Int) -> Completed {
        let context = state.value.inFlight.slots[index].context
        let kind = state.value.inFlight.slots[index].kind
        let operands = state.value.inFlight.removeOperands(at: index)
        if kind == .status, completion.result == 0 {
            return Completed(lease: nil, status: operands, context: context, completion: completion)
        }
        var completed = Completed(lease: nil, status: nil, context: context, completion: completion)
        if kind == .fileSlot, completion.result == 1 { completed.fileSlot = operands?.load(UInt32.self, at: 0) }
        return completed
    }
}
