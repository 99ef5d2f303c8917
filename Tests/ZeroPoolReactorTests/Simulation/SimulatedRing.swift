import Glibc
import ZeroPool
import ZeroPoolURing

@testable import ZeroPoolReactor

/// The simulated kernel as a reactor's ring. It notes operations, checks that each may be asked for, and hands over events.
final class SimulatedRing: ReactorRing {
    /// Polls in a row without an operation or an event: more than that is spinning.
    var pollLimit = 8
    /// Operations in one turn: more than that never ends.
    private static let operationLimit = 100_000
    /// Microseconds that a turn of the loop takes.
    private static let turnMicroseconds = 5

    let kernel: SimulatedKernel
    private let trace: SimulationTrace
    /// Checks what a reactor promises beyond the ring's rules; nil when a test plays the reactor by hand.
    var model: (any RingObserver)?
    /// When the ring dies, in microseconds.
    var deathTime: Int?
    private(set) var isClosed = false
    private(set) var isAbandoned = false
    private(set) var isDead = false

    /// By number, from the event that told it to the reactor until the reactor closes it.
    private var connections: [SimulatedConnection?]
    private var batch: [Completion] = []
    private var isAccepting = false
    private var runningTimers: [Bool]
    /// While memory comes to rest: buffers that are not back yet.
    private var withdrawalCount: Int?
    /// Those of `perform` that are under way, and whether they were cancelled.
    var operations: [OperationToken: Bool] = [:]
    private var emptyPollCount = 0
    private var notedSinceWait = 0

    init(_ kernel: SimulatedKernel) {
        self.kernel = kernel
        trace = kernel.trace
        connections = Array(repeating: nil, count: kernel.parameters.slotCount)
        runningTimers = Array(repeating: false, count: ReactorTimer.allCases.count)
    }

    // MARK: Operations

    func armAccept() {
        note("accept is armed")
        require(!isAccepting, "accept is armed once")
        require(kernel.isListening, "accept is armed while the listener is open")
        isAccepting = true
        kernel.noted.append(.armAccept(operation: kernel.newOperation()))
        model?.armedAccept()
    }

    func cancelAccept() {
        note("accept is cancelled")
        kernel.noted.append(.cancelAccept)
    }

    func closeListener() {
        note("the listener is closed")
        require(!isAccepting, "the listener is closed when no accept is under way")
        require(kernel.isListening, "the listener is closed once")
        kernel.closeListener()
    }

    func identify(_ number: ConnectionNumber) {
        guard let connection = connection(number, "identify") else { return }
        require(isIdle(connection), "a connection is identified while nothing is under way", connection)
        connection.ledger.isIdentifying = true
        kernel.noted.append(.identify(connection, operation: kernel.newOperation()))
    }

    func armReceive(_ number: ConnectionNumber, _ extent: ReceiveExtent) {
        guard let connection = connection(number, "receive") else { return }
        require(!connection.ledger.isReceiving, "one receive at a time", connection)
        require(!connection.ledger.isIdentifying, "nothing else while a connection is identified", connection)
        require(!connection.ledger.hasEnded, "no receive after the end of the stream", connection)
        connection.ledger.isReceiving = true
        connection.ledger.isReceiveCancelled = false
        connection.ledger.isReceiveMultishot = extent == .multishot
        kernel.noted.append(.armReceive(connection, extent, operation: kernel.newOperation()))
        model?.armedReceive(connection, extent)
    }

    func cancelReceive(_ number: ConnectionNumber) {
        guard let connection = connection(number, "cancel the receive") else { return }
        require(!connection.ledger.isReceiveCancelled, "a receive is cancelled once", connection)
        connection.ledger.isReceiveCancelled = true
        kernel.noted.append(.cancelReceive(connection))
        model?.cancelled(connection)
    }

    func send(
        _ lease: consuming PooledBuffer, from offset: Int, to number: ConnectionNumber, mayZeroCopy: Bool
    ) {
        let range = offset..<max(offset, lease.count)
        let box = LeaseBox(lease)
        kernel.sendingLeaseCount += 1
        guard let connection = connection(number, "send", range.count) else { return }
        require(!connection.ledger.isSending, "one send at a time", connection)
        require(!connection.ledger.isIdentifying, "nothing else while a connection is identified", connection)
        require(!connection.ledger.hasShutWrite, "no send after the half-close", connection)
        require(offset >= 0 && !range.isEmpty, "a send is of bytes that the lease has", connection)
        connection.ledger.isSending = true
        connection.ledger.sendingByteCount = range.count
        let minimum = kernel.parameters.zeroCopyMinimumByteCount ?? .max
        let send = SimulatedConnection.Send(
            operation: kernel.newOperation(), lease: box, range: range,
            isZeroCopy: mayZeroCopy && range.count >= minimum)
        kernel.noted.append(.send(connection, send))
    }

    func cancelSend(_ number: ConnectionNumber) {
        guard let connection = connection(number, "cancel the send") else { return }
        kernel.noted.append(.cancelSend(connection))
        model?.cancelled(connection)
    }

    func shutdownWrite(_ number: ConnectionNumber) {
        guard let connection = connection(number, "half-close") else { return }
        require(!connection.ledger.isSending, "the half-close comes after the sends", connection)
        require(!connection.ledger.hasShutWrite, "one half-close", connection)
        connection.ledger.hasShutWrite = true
        connection.ledger.isHalfClosing = true
        kernel.noted.append(.shutdownWrite(connection, operation: kernel.newOperation()))
        model?.halfClosed(connection)
    }

    func close(_ number: ConnectionNumber) {
        guard let connection = connection(number, "close") else { return }
        end(connection, number)
        kernel.noted.append(.close(connection))
        model?.closed(connection, isReset: false)
    }

    func reset(_ number: ConnectionNumber) {
        guard let connection = connection(number, "reset") else { return }
        end(connection, number)
        kernel.noted.append(.reset(connection))
        model?.closed(connection, isReset: true)
    }

    private func end(_ connection: SimulatedConnection, _ number: ConnectionNumber) {
        require(isIdle(connection), "a connection is closed when nothing is under way on it", connection)
        connection.ledger.isClosed = true
        connections[Int(number)] = nil
    }

    func setTimer(_ timer: ReactorTimer, seconds: Double) {
        note("a timer is set", SimulationTrace.none, Int(timer.rawValue))
        require(!runningTimers[Int(timer.rawValue)], "a timer runs once at a time")
        require(seconds >= 0, "a timer is set for later")
        runningTimers[Int(timer.rawValue)] = true
        if timer == .trim { model?.setMemoryTimer(isAboveRest: isAboveRest) }
        kernel.noted.append(.setTimer(timer, seconds: seconds, operation: kernel.newOperation()))
    }

    /// How another thread wakes the reactor.
    func makeBell() -> SimulatedBell { SimulatedBell(kernel) }

    // MARK: Rules of use

    private func isIdle(_ connection: SimulatedConnection) -> Bool {
        !connection.ledger.isReceiving && !connection.ledger.isSending && !connection.ledger.isHalfClosing
            && !connection.ledger.isIdentifying
    }

    func note(
        _ text: StaticString, _ connection: Int = SimulationTrace.none, _ value: Int = SimulationTrace.none
    ) {
        trace.note(text, connection, value)
        notedSinceWait += 1
        precondition(notedSinceWait < SimulatedRing.operationLimit, "a turn of the loop has an end")
        require(!isClosed && !isAbandoned, "nothing is asked of a ring that has ended")
    }

    func connection(
        _ number: ConnectionNumber, _ text: StaticString, _ value: Int = SimulationTrace.none
    ) -> SimulatedConnection? {
        let connection = Int(number) < connections.count ? connections[Int(number)] : nil
        note(text, connection?.id ?? SimulationTrace.none, value)
        require(connection != nil, "operations are of connections that are open")
        return connection
    }

    func require(_ isRight: Bool, _ rule: StaticString, _ connection: SimulatedConnection? = nil) {
        if !isRight { trace.violate(rule, connection?.id ?? SimulationTrace.none) }
    }

    /// Files, where there are any.
    var files: SimulatedFiles?
    /// The directory that they are beneath.
    var rootDescriptor: Int32?

    // MARK: Buffers

    var availableBufferCount: Int { kernel.provided.count + kernel.unseenBufferCount }

    func refill() {
        guard let withdrawalCount else { return kernel.refill() }
        if withdrawalCount == 0 {
            self.withdrawalCount = nil
            kernel.endRest()
        } else if availableBufferCount == 0 {
            kernel.refill()
        }
    }

    var isAboveRest: Bool { kernel.isAboveRest }

    func trim(olderThanSeconds seconds: Double) {
        note("idle memory goes back")
        model?.trimmedMemory()
    }

    func beginRest() {
        note("memory comes to rest")
        model?.beganRest()
        guard withdrawalCount == nil else { return }
        withdrawalCount = availableBufferCount
        for _ in 0..<availableBufferCount { kernel.noted.append(.withdraw(operation: kernel.newOperation())) }
    }

    // MARK: Events

    func wait(isPolling: Bool) throws(RingError) {
        require(!isClosed && !isAbandoned && !isDead, "nobody waits for a ring that has ended")
        require(batch.isEmpty, "events are taken before the next wait")
        kernel.now += SimulatedRing.turnMicroseconds
        model?.turned(isPolling: isPolling)
        checkPolling(isPolling)
        while true {
            if let deathTime, kernel.now >= deathTime {
                isDead = true
                trace.note("the ring dies")
                throw RingError(.wait, errno: EBADF)
            }
            kernel.startNoted()
            kernel.runDue()
            if !kernel.faults.isWakeSpurious(&kernel.generator) { batch = kernel.takeCompletions() }
            // A broken rule ends the run: the reactor has no other way out.
            if trace.violation != nil { throw RingError(.wait, errno: ECANCELED) }
            if !batch.isEmpty || isPolling { return }
            if kernel.completions.isEmpty, kernel.noted.isEmpty { try advanceTime() }
        }
    }

    /// Nothing can happen now: what is next?
    private func advanceTime() throws(RingError) {
        guard let time = kernel.timeline.nextTime else {
            trace.violate("something can happen as long as the reactor runs: it is stuck")
            throw RingError(.wait, errno: EDEADLK)
        }
        kernel.now = max(kernel.now, time)
    }

    private func checkPolling(_ isPolling: Bool) {
        emptyPollCount = isPolling && notedSinceWait == 0 ? emptyPollCount + 1 : 0
        notedSinceWait = 0
        require(emptyPollCount <= pollLimit, "nobody polls again and again for nothing")
    }

    func forEachEvent(_ body: (consuming ReactorEvent) -> Void) {
        for completion in batch {
            emptyPollCount = 0
            model?.willHandOver(completion.event)
            handOver(completion.event, body)
            model?.didHandOver(completion.event)
        }
        batch.removeAll(keepingCapacity: true)
    }

    private func handOver(_ event: PendingEvent, _ body: (consuming ReactorEvent) -> Void) {
        switch event {
        case .accepted(let connection):
            guard let slot = connection.slot else { preconditionFailure("an accepted connection has a slot") }
            trace.note("accepted", connection.id, Int(slot))
            connections[Int(slot)] = connection
            body(.accepted(slot))
        case .acceptEnded(let errno):
            trace.note("accepting ended", SimulationTrace.none, Int(errno))
            isAccepting = false
            body(.acceptEnded(errno: errno))
        case .identified(let connection, let address):
            trace.note(address == nil ? "not identified" : "identified", connection.id)
            connection.ledger.isIdentifying = false
            body(.identified(number(connection), address))
        case .received(let connection, let box):
            trace.note("received", connection.id, box.byteCount)
            kernel.unseenBufferCount -= 1
            body(.received(number(connection), box.take()))
        case .receiveEnded(let connection, let errno, let isEndOfStream):
            trace.note(isEndOfStream ? "end of stream" : "receive ended", connection.id, Int(errno))
            connection.ledger.isReceiving = false
            if isEndOfStream { connection.ledger.hasEnded = true }
            body(.receiveEnded(number(connection), errno: errno, isEndOfStream: isEndOfStream))
        case .sent(let connection, let box, let byteCount):
            trace.note(box == nil ? "sent without a copy" : "sent", connection.id, byteCount)
            connection.ledger.isSending = false
            body(.sent(number(connection), lease(box), byteCount: byteCount))
        case .sendFailed(let connection, let box, let errno):
            trace.note(box == nil ? "a zero-copy send failed" : "send failed", connection.id, Int(errno))
            connection.ledger.isSending = false
            body(.sendFailed(number(connection), lease(box), errno: errno))
        case .halfClosed(let connection):
            trace.note("half-closed", connection.id)
            connection.ledger.isHalfClosing = false
            body(.halfClosed(number(connection)))
        case .released(let connection, let box, let wasCopied):
            trace.note("released", connection.id)
            let number = connection.ledger.isClosed ? nil : number(connection)
            body(.released(lease(box), wasCopied: wasCopied, number))
        case .withdrawn(let box):
            trace.note(box == nil ? "nothing to withdraw" : "withdrawn")
            withdrawalCount? -= 1
            guard let box else { break }
            kernel.unseenBufferCount -= 1
            _ = box.take()
        case .completed(let token, let result, let box, let status):
            trace.note("an operation completed", SimulationTrace.none, Int(result))
            require(operations.removeValue(forKey: token) != nil, "an operation completes once")
            guard let box else { return body(.completed(token, OperationOutcome(result: result, status: status))) }
            kernel.readingLeaseCount -= 1
            body(.completed(token, OperationOutcome(result: result, lease: box.take(), status: status)))
        case .woken:
            trace.note("woken")
            body(.woken)
        case .timer(let timer):
            trace.note("timer", SimulationTrace.none, Int(timer.rawValue))
            runningTimers[Int(timer.rawValue)] = false
            body(.timer(timer))
        }
    }

    private func lease(_ box: LeaseBox?) -> PooledBuffer? {
        guard let box else { return nil }
        kernel.sendingLeaseCount -= 1
        return box.take()
    }

    private func number(_ connection: SimulatedConnection) -> ConnectionNumber {
        guard let slot = connection.slot else { preconditionFailure("an open connection has a slot") }
        return slot
    }

    // MARK: End

    func close() {
        note("the ring is closed")
        isClosed = true
        kernel.end()
    }

    func abandon() {
        note("the ring is abandoned")
        isAbandoned = true
    }
}
