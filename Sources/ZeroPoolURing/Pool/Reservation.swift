extension RingPool {
    /// The parts of a ring that belong to a ``RingPool``: what a host program grants it.
    ///
    /// On a ring that it shares with a host program, each of these spaces is divided by agreement, and this is the
    /// agreement:
    ///
    /// - **Buffer table.** The host registers a sparse table (`io_uring_register_buffers_sparse`) of at least
    ///   `bufferSlots.upperBound` slots, and leaves `bufferSlots` alone. Arena number *i* of the shard stands in slot
    ///   `bufferSlots.lowerBound + i`; arenas past the end of the range stay plain memory.
    /// - **Buffer groups.** The host provides no buffers under the ids in `bufferGroups`.
    /// - **User data.** A completion is the pool's exactly if `userData & userDataMask == userDataValue`. The host gives
    ///   its own operations other user data. The low 40 bits stay free of the mask: 24 for the operation's number,
    ///   16 for a generation.
    ///   A host that gives one the pool's user data all the same makes the pool hand out a lease that the kernel still
    ///   uses; operations through ``Ring`` trap instead.
    /// - **Completions.** The host reaps, and hands each completion that is the pool's to ``RingPool/complete(_:)``,
    ///   once, before it closes the pool.
    public struct Reservation: Sendable {
        /// Slots of the ring's table of registered buffers.
        public var bufferSlots: Range<UInt32>
        /// Ids of buffer groups.
        public var bufferGroups: Range<UInt16>
        /// The bits of the user data that tell whose an operation is.
        public var userDataMask: UInt64
        /// The value of these bits in the pool's operations.
        public var userDataValue: UInt64
        /// Whether the pool registers the buffer table, of `bufferSlots.upperBound` slots, and unregisters it.
        public var ownsBufferTable: Bool

        /// A part of a ring whose host has registered the buffer table.
        ///
        /// Traps unless the low 40 bits of `userDataMask` are 0, `userDataValue` lies within the mask, and `bufferSlots`
        /// ends at 16,384 at most.
        public init(
            bufferSlots: Range<UInt32>, bufferGroups: Range<UInt16>, userDataMask: UInt64, userDataValue: UInt64,
            ownsBufferTable: Bool = false
        ) {
            precondition(userDataMask & InFlightTable.tokenMask == 0, "the low 40 bits of user data must be free")
            precondition(userDataMask != 0 && userDataValue & ~userDataMask == 0, "the value must lie in the mask")
            precondition(bufferSlots.upperBound <= 16384, "a buffer table has at most 16,384 slots")
            self.bufferSlots = bufferSlots
            self.bufferGroups = bufferGroups
            self.userDataMask = userDataMask
            self.userDataValue = userDataValue
            self.ownsBufferTable = ownsBufferTable
        }

        /// All buffer slots and groups of a ring, and user data from 2⁶³ up. The rest of the program uses user data below
        /// 2⁶³.
        public static let wholeRing = Reservation(
            bufferSlots: 0..<16384, bufferGroups: 0..<UInt16.max, userDataMask: 1 << 63, userDataValue: 1 << 63,
            ownsBufferTable: true)
    }
}
