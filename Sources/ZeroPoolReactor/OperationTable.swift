import ZeroPool

/// The operations in flight, and the tasks that wait for them. Cost: constant; it grows by doubling.
///
/// - A token names a slot and its generation: it is good from `begin` to `takeOutcome`.
/// - The outcome stays in its slot until the task that waits takes it.
@safe
struct OperationTable: ~Copyable {
    private struct Slot: ~Copyable {
        var waiter = Waiter()
        var outcome: OperationOutcome?
        var generation: UInt32 = 0
        var nextFree: UInt32
        var isOpen = false
        /// It may take for ever, so the reactor ends it when it stops.
        var isLong = false
        /// Its wait was ended before its time.
        var end = Waiter.Outcome.ready

        init(nextFree: UInt32) {
            self.nextFree = nextFree
            outcome = nil
        }

        var isCompleted: Bool {
            switch outcome {
            case .none: false
            case .some: true
            }
        }
    }

    private static let none = UInt32.max

    private var slots: UnsafeMutablePointer<Slot>
    private var capacity = 0
    private var firstFree = OperationTable.none
    /// Operations that have begun and whose outcome was not taken.
    private(set) var count = 0

    init() { unsafe slots = .allocate(capacity: 0) }

    deinit {
        unsafe slots.deinitialize(count: capacity)
        unsafe slots.deallocate()
    }

    mutating func begin(isLong: Bool = false) -> OperationToken {
        if firstFree == Self.none { grow() }
        let index = firstFree
        firstFree = unsafe slots[Int(index)].nextFree
        unsafe slots[Int(index)].isOpen = true
        unsafe slots[Int(index)].isLong = isLong
        unsafe slots[Int(index)].end = .ready
        count += 1
        return unsafe OperationToken(index: index, generation: slots[Int(index)].generation)
    }

    /// Whether the token is of an operation that has begun and not ended: a late answer finds another generation.
    private func isOpen(_ token: OperationToken) -> Bool {
        unsafe Int(token.index) < capacity && slots[Int(token.index)].isOpen
            && slots[Int(token.index)].generation == token.generation
    }

    mutating func wait(
        _ token: OperationToken, _ continuation: UnsafeContinuation<Void, Never>, _ deadline: Deadline?
    ) {
        unsafe slots[Int(token.index)].waiter.begin(continuation, deadline)
    }

    /// What came of it; the task goes on.
    mutating func complete(_ token: OperationToken, _ outcome: consuming OperationOutcome) {
        precondition(isOpen(token), "an operation completes once")
        unsafe slots[Int(token.index)].outcome = consume outcome
        unsafe slots[Int(token.index)].waiter.take(.ready)?.resume()
    }

    func isCompleted(_ token: OperationToken) -> Bool { unsafe slots[Int(token.index)].isCompleted }

    /// Whether the wait was ended before its time, maybe before it began.
    func isWaitOver(_ token: OperationToken) -> Bool { unsafe slots[Int(token.index)].end != .ready }

    /// How the wait ended.
    func end(_ token: OperationToken) -> Waiter.Outcome {
        let end = unsafe slots[Int(token.index)].end
        return unsafe end == .ready ? slots[Int(token.index)].waiter.outcome : end
    }

    /// The task that waits was cancelled. Nothing when the operation is over.
    mutating func cancelWait(_ token: OperationToken) {
        guard isOpen(token), !isCompleted(token) else { return }
        unsafe slots[Int(token.index)].end = .cancelled
        unsafe slots[Int(token.index)].waiter.take(.cancelled)?.resume()
    }

    /// The reactor stops: ends the waits that may take for ever.
    mutating func cutLongWaits() {
        for index in 0..<capacity where unsafe slots[index].isOpen && slots[index].isLong && !slots[index].isCompleted {
            unsafe slots[index].end = .cut
            unsafe slots[index].waiter.take(.cut)?.resume()
        }
    }

    /// Ends the waits whose deadline has passed.
    mutating func expire(at tick: UInt32) {
        for index in 0..<capacity where unsafe slots[index].waiter.isExpired(at: tick) {
            unsafe slots[index].end = .expired
            unsafe slots[index].waiter.take(.expired)?.resume()
        }
    }

    /// Ends the operation: its slot is free. Without an outcome it is as if it were cancelled.
    mutating func takeOutcome(_ token: OperationToken) -> OperationOutcome {
        let outcome = unsafe slots[Int(token.index)].outcome.take() ?? OperationOutcome(result: 0)
        unsafe slots[Int(token.index)].isOpen = false
        unsafe slots[Int(token.index)].generation =
            (slots[Int(token.index)].generation &+ 1) & OperationToken.generationMask
        unsafe slots[Int(token.index)].nextFree = firstFree
        firstFree = token.index
        count -= 1
        return outcome
    }

    /// Completes whatever has not, with this error.
    mutating func failAll(errno: Int32) {
        for index in 0..<capacity where unsafe slots[index].isOpen && !slots[index].isCompleted {
            unsafe slots[index].outcome = OperationOutcome(result: -errno)
            unsafe slots[index].waiter.take(.ready)?.resume()
        }
    }

    @inline(never)
    private mutating func grow() {
        let larger = max(64, capacity * 2)
        let grown = UnsafeMutablePointer<Slot>.allocate(capacity: larger)
        unsafe grown.moveInitialize(from: slots, count: capacity)
        unsafe slots.deallocate()
        unsafe slots = grown
        for index in (capacity..<larger).reversed() {
            unsafe (slots + index).initialize(to: Slot(nextFree: firstFree))
            firstFree = UInt32(index)
        }
        capacity = larger
    }
}
