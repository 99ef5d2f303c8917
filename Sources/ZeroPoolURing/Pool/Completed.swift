public import ZeroPool

extension RingPool {
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
