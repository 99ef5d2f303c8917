public import ZeroPool

extension RingPool {
    /// One completion of an operation with a lease.
    public struct Completed: ~Copyable {
        /// The operation's lease, with its final completion; nil before that. `take()` it to keep it.
        ///
        /// After a read or a receive its bytes have grown by the result.
        public var lease: PooledBuffer?
        /// What the operation was given along.
        public let context: UInt64
        /// The result and the flags.
        public let completion: Completion

        /// What the operation returned: a byte count, or a negative `errno`.
        public var result: Int32 { completion.result }

        /// The lease alone.
        public consuming func takeLease() -> PooledBuffer? { lease }
    }
}
