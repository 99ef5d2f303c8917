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
