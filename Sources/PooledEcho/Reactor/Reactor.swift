import Glibc
import ZeroPool
import ZeroPoolURing

/// One thread's server: a listener, a ring, and the connections that came in by them.
///
/// Rules of the loop:
/// 1. Wait; handle every event that has come; put buffers in place of the used ones; let connections that wait for
///    buffers go on.
/// 2. Handling an event never blocks and never waits for another: it notes operations for the next wait.
/// 3. After every event of a connection its state says what is to be done, until it says nothing.
/// 4. Nothing here takes a lock or touches another reactor's memory, but for connections that begin or end (`Admission`).
/// 5. Time is turns of the loop; a clock is in the ring's timers only (`TurnHistory`).
@safe
final class Reactor<Server: Service> {
    typealias Ring = Server.Ring

    /// A connection and what the reactor keeps for it.
    struct Slot {
        var isOpen = false
        var connection: Server.Connection
        var queue = LeaseQueues.Queue()
        /// Of the lease in flight: how much of it was sent before, and how much is being sent.
        var sentByteCount = 0
        var sendingByteCount = 0
        /// The turn in which something last came or went.
        var lastTurn = 0
    }

    let ring: Ring
    let service: Server
    let admission: Admission
    let limits: ReactorLimits<Server.Connection.Limits>
    let slots: UnsafeMutablePointer<Slot>
    /// Slots from here up were never open.
    var usedSlotCount = 0
    var openCount = 0
    // Touched by every event: checked for exclusivity at run time they would be a sixth of the reactor's instructions. One
    // thread uses them, and no method that accesses one calls another that does.
    @exclusivity(unchecked) var queues = LeaseQueues()
    @exclusivity(unchecked) var statistics = ServerStatistics()
    /// Those of `limits`, or stricter ones while buffers are scarce.
    @exclusivity(unchecked) var connectionLimits: Server.Connection.Limits
    @exclusivity(unchecked) var turn = 0

    // Accepting.
    var accept = Accept.armed
    var isAcceptTimerSet = false
    /// Whether connections were refused since accepting last ended for want of room.
    var hasRefused = false
    /// By connection, where addresses have a limit.
    var addresses: [ConnectionNumber: PeerAddress] = [:]

    // Buffers.
    var waiting: WaitingList
    var scarcity: Scarcity?
    var isScarcityTimerSet = false

    // Memory.
    /// Events but of timers since the last look for idle memory.
    @exclusivity(unchecked) var eventCount = 0
    var isTrimTimerSet = false

    // Ending.
    var idleHistory = TurnHistory()
    var isDraining = false
    var isCut = false
    var failure: ServerError?

    enum Accept: Equatable {
        case armed
        /// There is no room for another connection; goes on when one closes, and after a while.
        case paused
        case ended
    }

    /// - Parameter slotCount: connections are numbered below it.
    init(
        ring: Ring, service: Server, slotCount: Int, admission: Admission,
        limits: ReactorLimits<Server.Connection.Limits>
    ) {
        self.ring = ring
        self.service = service
        self.admission = admission
        self.limits = limits
        unsafe connectionLimits = limits.connection
        unsafe slots = .allocate(capacity: slotCount)
        waiting = WaitingList(capacity: slotCount)
    }

    deinit {
        unsafe slots.deinitialize(count: usedSlotCount)
        unsafe slots.deallocate()
    }

    /// Leases that wait to be sent, of all connections.
    var queuedLeaseCount: Int { unsafe queues.count }

    /// Serves until stopped and drained. Throws when the ring dies; the process must not go on without it.
    func run() throws(ServerError) {
        ring.armAccept()
        setIdleTimer()
        while accept != .ended || openCount > 0 {
            do throws(RingError) {
                try ring.wait(isPolling: !waiting.isEmpty && ring.availableBufferCount > 0)
            } catch {
                failure = .ring(error)
            }
            unsafe turn &+= 1
            ring.forEachEvent { event in handle(event) }
            if let failure {
                ring.abandon()
                throw failure
            }
            ring.refill()
            feedWaiting()
            watchMemory()
        }
        service.end(self)
        ring.close()
    }

    // MARK: Events

    private func handle(_ event: consuming ReactorEvent) {
        switch consume event {
        case .received(let number, let lease):
            received(number, lease)
        case .sent(let number, let lease, let byteCount):
            sent(number, lease, byteCount)
        case .receiveEnded(let number, let errno, let isEndOfStream):
            receiveEnded(number, errno, isEndOfStream)
        case .sendFailed(let number, let lease, _):
            // A failed zero-copy send may have its memory with the kernel all the same.
            if case .none = consume lease { unsafe slots[Int(number)].connection.transmission.sentZeroCopy() }
            countFailure(number)
            unsafe slots[Int(number)].connection.sendFailed()
            advance(number)
        case .halfClosed(let number):
            unsafe slots[Int(number)].connection.transmission.halfClosed()
            advance(number)
        case .released(let lease, let wasCopied, let number):
            _ = consume lease
            guard let number else { break }
            unsafe slots[Int(number)].lastTurn = turn
            unsafe slots[Int(number)].connection.transmission.released(wasCopied: wasCopied)
            advance(number)
        case .accepted(let number): accepted(number)
        case .identified(let number, let address): identified(number, address)
        case .acceptEnded(let errno): acceptEnded(errno)
        case .woken: isDraining ? cutAll() : drain()
        case .file(let event): service.handle(event, of: self)
        case .timer(let timer): return ticked(timer)
        }
        unsafe eventCount &+= 1
    }

    private func ticked(_ timer: ReactorTimer) {
        switch timer {
        case .drain: cutAll()
        case .accept: acceptTimerTicked()
        case .scarcity: scarcityTimerTicked()
        case .idle: idleTimerTicked()
        case .trim: trimTimerTicked()
        case .service: service.ticked(self)
        }
    }

    private func received(_ number: ConnectionNumber, _ lease: consuming PooledBuffer) {
        unsafe slots[Int(number)].lastTurn = turn
        service.received(lease, on: number, of: self)
        advance(number)
    }

    func countOwed(_ byteCount: Int) {
        unsafe statistics.maxOwedByteCount = max(statistics.maxOwedByteCount, byteCount)
    }

    private func receiveEnded(_ number: ConnectionNumber, _ errno: Int32, _ isEndOfStream: Bool) {
        let isStarved = errno == ENOBUFS
        let isFailure = errno != 0 && !isStarved && errno != ECANCELED && errno != EINTR
        if isFailure { countFailure(number) }
        unsafe slots[Int(number)].connection.receiveEnded(
            isEndOfStream: isEndOfStream, isFailure: isFailure, isStarved: isStarved)
        if unsafe slots[Int(number)].connection.receive == .waiting {
            unsafe statistics.starvedReceives += 1
            waiting.append(number)
        }
        advance(number)
        // Where buffers are scarce each receive ends so.
        if scarcity == nil, unsafe slots[Int(number)].connection.isPaused {
            unsafe statistics.pausedReceives += 1
            unsafe countOwed(slots[Int(number)].connection.transmission.owedByteCount)
        }
    }

    private func sent(_ number: ConnectionNumber, _ lease: consuming PooledBuffer?, _ byteCount: Int) {
        unsafe statistics.bytes.sent += byteCount
        let slot = unsafe slots + Int(number)
        unsafe slot.pointee.lastTurn = turn
        let isWhole = unsafe slot.pointee.connection.transmission.sent(
            byteCount: byteCount, of: slot.pointee.sendingByteCount)
        switch consume lease {
        case .some(let lease) where !isWhole:
            // The rest goes first.
            unsafe slot.pointee.sentByteCount += byteCount
            unsafe queues.pushFirst(lease, to: &slot.pointee.queue)
        case .some:
            unsafe slot.pointee.sentByteCount = 0
        case .none:
            unsafe slot.pointee.sentByteCount = 0
            unsafe slot.pointee.connection.transmission.sentZeroCopy()
            // If it came short, the rest is the kernel's memory still, and can't be sent in time.
            if !isWhole {
                countFailure(number)
                unsafe slot.pointee.connection.sendFailed()
            }
        }
        advance(number)
    }

    /// A connection that is about to fail of itself.
    private func countFailure(_ number: ConnectionNumber) { unsafe countFailure(slots + Int(number)) }

    func countFailure(_ slot: UnsafeMutablePointer<Slot>) {
        if unsafe !slot.pointee.connection.isFailed { unsafe statistics.connections.failed += 1 }
    }

    func forEachOpenConnection(_ body: (ConnectionNumber) -> Void) {
        for index in 0..<usedSlotCount where unsafe slots[index].isOpen { body(ConnectionNumber(index)) }
    }

    // MARK: Actions

    /// Does what the connection's state asks for. `isItsTurn`: it may receive, though others wait.
    func advance(_ number: ConnectionNumber, isItsTurn: Bool = false) {
        let slot = unsafe slots + Int(number)
        while let action = unsafe slot.pointee.connection.nextAction(connectionLimits) {
            switch action {
            case .armReceive: unsafe armReceive(slot, number, isItsTurn: isItsTurn)
            case .cancelReceive: ring.cancelReceive(number)
            case .stopWaiting: stopWaiting(number)
            case .send: unsafe send(slot, number)
            case .cancelSend: ring.cancelSend(number)
            case .shutdownWrite: ring.shutdownWrite(number)
            case .close:
                ring.close(number)
                unsafe closed(slot, number)
            case .reset:
                // Counted here: what was under way when it was cut may have gone out after all.
                if isDraining, unsafe slot.pointee.connection.isCut { unsafe statistics.connections.cut += 1 }
                ring.reset(number)
                unsafe closed(slot, number)
            case .own(let action): service.perform(action, for: number, of: self)
            }
        }
    }

    // Not inlined: they are rare, and the optimizer would check their accesses for exclusivity at every event.

    @inline(never)
    private func stopWaiting(_ number: ConnectionNumber) { waiting.remove(number) }

    @inline(never)
    private func armReceive(_ slot: UnsafeMutablePointer<Slot>, _ number: ConnectionNumber, isItsTurn: Bool) {
        guard isItsTurn || waiting.isEmpty && scarcity == nil else {
            unsafe slot.pointee.connection.reception.joinWaiting()
            return waiting.append(number)
        }
        let extent = unsafe receiveExtent(slot.pointee.connection, isItsTurn: isItsTurn)
        if extent != .multishot { unsafe slot.pointee.connection.reception.limitToOne() }
        ring.armReceive(number, extent)
    }

    private func receiveExtent(_ connection: Server.Connection, isItsTurn: Bool) -> ReceiveExtent {
        if scarcity != nil { return .oneBufferOnceWritable }
        return isItsTurn || connection.isLagging ? .oneBuffer : .multishot
    }

    private func send(_ slot: UnsafeMutablePointer<Slot>, _ number: ConnectionNumber) {
        guard let lease = unsafe queues.pop(from: &slot.pointee.queue) else {
            preconditionFailure("a connection with queued leases has one to send")
        }
        unsafe slot.pointee.sendingByteCount = unsafe lease.count - slot.pointee.sentByteCount
        unsafe ring.send(
            lease, from: slot.pointee.sentByteCount, to: number,
            mayZeroCopy: slot.pointee.connection.transmission.mayZeroCopy)
    }

    private func closed(_ slot: UnsafeMutablePointer<Slot>, _ number: ConnectionNumber) {
        unsafe queues.removeAll(from: &slot.pointee.queue)
        unsafe slot.pointee.isOpen = false
        service.closed(number, of: self)
        left(number)
    }
}
