import CZeroPool

/// A debugging pool's book of leases: who has what since when, and whether returned memory stays as it was.
///
/// All gets and returns of such a pool come here, since it has no thread caches. Invariants, under the lock:
/// - a buffer is out exactly when its record has no `returned`; a record is made by the first lease;
/// - while a record `isPoisoned`, its memory is all `Poison.returned`, unless somebody writes who must not.
///
/// Descriptors of a debugging pool stay where they are to the process's end (`DepartedDescriptors`), so that an address names one
/// buffer for ever. A lock of its own, taken within a shard's.
final class LeaseLedger: Sendable {
    @safe
    private struct State: @unchecked Sendable {
        var eventCount = 0
        var records: [DescriptorPointer: LeaseRecord] = unsafe [:]

        mutating func nextEvent() -> LeaseRecord.Event {
            eventCount += 1
            return LeaseRecord.Event(number: eventCount, thread: PoolSlots.currentThreadOrdinal)
        }
    }

    private let state = Locked(State())

    /// A lease of the buffer begins: its memory is as the last return left it, and is poisoned afresh.
    func noteLease(_ descriptor: DescriptorPointer, at site: LeaseSite) {
        unsafe endPoison(descriptor)
        unsafe Poison.fresh.fill(descriptor.pointee.memory)
        state.withLock { state in
            unsafe state.records[descriptor] = unsafe LeaseRecord(
                site: site, byteCount: descriptor.pointee.byteCount, taken: state.nextEvent())
        }
    }

    /// A buffer was made to be idle in advance: as if a lease of it had come and gone, so that its memory is watched too.
    func notePreallocated(_ descriptor: DescriptorPointer, file: StaticString = #fileID, line: UInt = #line) {
        unsafe noteLease(descriptor, at: LeaseSite(file: file, line: line))
        unsafe noteReturn(descriptor)
        unsafe poison(descriptor)
    }

    /// A lease of the buffer, or its detached owner, ends. Traps when none is out.
    func noteReturn(_ descriptor: DescriptorPointer) {
        let stack = CallStack.current()
        state.withLock { state in
            guard var record = unsafe state.records[descriptor] else {
                fatalError("ZeroPool: a buffer was returned that no get has handed out")
            }
            if record.returned != nil { failReturnedTwice(record) }
            record.returned = (state.nextEvent(), stack)
            unsafe state.records[descriptor] = record
        }
    }

    /// Poisons the memory of a buffer whose return was noted, and which nobody else can have yet.
    func poison(_ descriptor: DescriptorPointer) {
        unsafe Poison.returned.fill(descriptor.pointee.memory)
        state.withLock { unsafe $0.records[descriptor]?.isPoisoned = true }
    }

    /// The buffer's memory leaves the idle ones. Traps when somebody wrote to it since it was poisoned.
    func endPoison(_ descriptor: DescriptorPointer) {
        let poisoned = state.withLock { state -> LeaseRecord? in
            guard let record = unsafe state.records[descriptor], record.isPoisoned else { return nil }
            unsafe state.records[descriptor]?.isPoisoned = false
            return record
        }
        guard let poisoned, let offset = unsafe Poison.returned.firstChange(in: descriptor.pointee.memory) else {
            return
        }
        let found = unsafe String(descriptor.pointee.memory[offset], radix: 16)
        poisoned.returned?.stack.print()
        fatalError(
            "ZeroPool: a buffer was written to after its return: byte \(offset) is 0x\(found). It was \(poisoned.description)"
        )
    }

    /// Traps for a second return of a buffer whose memory has left the pool.
    func failReturnedTwice(_ descriptor: DescriptorPointer) -> Never {
        guard let record = state.withLock({ unsafe $0.records[descriptor] }) else {
            fatalError("ZeroPool: a buffer was returned that no get has handed out")
        }
        failReturnedTwice(record)
    }

    private func failReturnedTwice(_ record: LeaseRecord) -> Never {
        StandardError.write("ZeroPool: the first return was here:\n")
        record.returned?.stack.print()
        fatalError("ZeroPool: a buffer was returned twice: \(record.description)")
    }

    /// What is out, by the line that took it: the most bytes first.
    func outstandingLeases() -> [BufferPool.OutstandingLeases] {
        let records = state.withLock { unsafe $0.records.values.filter { $0.returned == nil } }
        return Dictionary(grouping: records) { $0.site.description }.values
            .map { BufferPool.OutstandingLeases($0) }
            .sorted { ($0.byteCount, $1.oldestEvent) > ($1.byteCount, $0.oldestEvent) }
    }
}

/// What a debugging pool knows of one buffer: its latest lease, and that lease's end.
struct LeaseRecord: Sendable {
    /// Something that a thread did; events are numbered in the order in which the pool saw them.
    struct Event: Sendable {
        let number: Int
        /// In order of the threads' first use of any pool, from 1.
        let thread: Int

        var description: String { "as event \(number), by thread \(thread)" }
    }

    let site: LeaseSite
    let byteCount: Int
    let taken: Event
    /// nil while it is out.
    var returned: (event: Event, stack: CallStack)?
    /// Whether the memory is as the return left it, so that a change is somebody's mistake.
    var isPoisoned = false

    var description: String {
        let lease = "\(byteCount) bytes taken at \(site.description) (\(taken.description))"
        guard let returned else { return lease }
        return "\(lease), returned \(returned.event.description)"
    }
}

/// A line of source that asked for a lease.
struct LeaseSite: Sendable {
    let file: StaticString
    let line: UInt

    /// As compilers write it, so that editors find it.
    var description: String { "\(file):\(line)" }
}

/// The innermost frames of a thread's stack, for debugging pools: a lease ends wherever its lifetime does, which no
/// argument can tell. Empty with musl, which does not know.
struct CallStack: Sendable {
    private static let maximumFrameCount = 24
    private let frames: [UInt]

    /// The calling thread's.
    static func current() -> CallStack {
        CallStack(
            frames: unsafe Array(unsafeUninitializedCapacity: maximumFrameCount) { frames, count in
                count = unsafe Int(zeropool_call_stack(frames.baseAddress!, Int32(frames.count)))
            })
    }

    /// Writes it to standard error, a line a frame: program, symbol where the program exports it, address.
    func print() {
        unsafe frames.withUnsafeBufferPointer { frames in
            guard let start = frames.baseAddress else { return }
            unsafe zeropool_print_call_stack(start, Int32(frames.count))
        }
    }
}

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
