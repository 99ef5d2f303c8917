/// The tables of descriptors of debugging pools' arenas that are gone.
///
/// They are kept to the process's end, so that who returns or takes a lease whose memory has left the pool reads what is still
/// there, and is told. Other pools free them with the arena.
enum DepartedDescriptors {
    @safe
    private struct Table: @unchecked Sendable {
        let descriptors: DescriptorPointer
        let count: Int
        let ledger: LeaseLedger
    }

    private static let tables = Locked<[Table]>([])

    /// Takes over a table of `count` descriptors.
    static func keep(_ descriptors: DescriptorPointer, count: Int, ledger: LeaseLedger) {
        for index in 0..<count { unsafe (descriptors + index).initialize(to: BufferDescriptor(departed: descriptors)) }
        tables.withLock { unsafe $0.append(Table(descriptors: descriptors, count: count, ledger: ledger)) }
    }

    /// Traps for the return of a buffer of such a table.
    static func failReturnedTwice(_ descriptor: DescriptorPointer) -> Never {
        let table = tables.withLock { tables in
            tables.first { unsafe $0.descriptors <= descriptor && descriptor < $0.descriptors + $0.count }
        }
        guard let table else { fatalError("ZeroPool: a buffer was returned twice") }
        unsafe table.ledger.failReturnedTwice(descriptor)
    }
}
