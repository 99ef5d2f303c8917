import Glibc
import ZeroPool
import ZeroPoolURing

/// One thread's server: a listener, a ring, and the connections that came in by them.
///
/// Rules of the loop:
/// 1. Wait; handle every event that has come; put buffers in place of the used ones; let starved connections go on.
/// 2. Handling an event never blocks and never waits for another: it notes operations for the next wait.
/// 3. After every event of a connection its state says what is to be done, until it says nothing.
/// 4. Nothing here takes a lock or touches another reactor's memory, but for accepting and closing connections
///    (`ConnectionLimit`).
@safe
final class Reactor<Ring: ReactorRing> {
    /// A connection and what the reactor keeps for it.
    private struct Slot {
        var isOpen = false
        var connection = EchoConnection()
        var queue = LeaseQueues.Queue()
        /// Of the lease in flight: how much of it was sent before, and how much is being sent.
        var sentByteCount = 0
        var sendingByteCount = 0
        /// The next that waits for buffers.
        var nextStarved = ConnectionNumber.max
    }

    private let ring: Ring
    private let connectionLimit: ConnectionLimit
    private let drainSeconds: Double
    private let limits: EchoConnection.Limits
    private let slots: UnsafeMutablePointer<Slot>
    private let slotCount: Int
    // Touched by every event: checked for exclusivity at run time they would be a sixth of the reactor's instructions. One
    // thread uses them, and no method that accesses one calls another that does.
    @exclusivity(unchecked) private var queues = LeaseQueues()
    private var openCount = 0
    /// Slots from here up were never open.
    private var usedSlotCount = 0
    /// Connections that wait for buffers, the longest waiting first.
    private var starved = StarvedList()
    private var accept = Accept.armed
    /// Whether connections were refused since accepting last ended for want of room.
    private var hasRefused = false
    private var isDraining = false
    private var isCut = false
    private var failure: ServerError?
    @exclusivity(unchecked) private(set) var statistics = ServerStatistics()

    private struct StarvedList {
        var first = ConnectionNumber.max
        var last = ConnectionNumber.max
    }

    private enum Accept: Equatable {
        case armed
        /// There is no room for another connection; goes on when one closes, and after a while.
        case paused(since: ContinuousClock.Instant)
        case ended
    }

    /// - Parameter slotCount: connections are numbered below it.
    init(
        ring: Ring, slotCount: Int, connectionLimit: ConnectionLimit, limits: EchoConnection.Limits,
        drainSeconds: Double
    ) {
        self.limits = limits
        self.ring = ring
        self.slotCount = slotCount
        self.connectionLimit = connectionLimit
        self.drainSeconds = drainSeconds
        unsafe slots = .allocate(capacity: slotCount)
    }

    deinit {
        unsafe slots.deinitialize(count: usedSlotCount)
        unsafe slots.deallocate()
    }

    /// Serves until stopped and drained. Throws when the ring dies; the process must not go on without it.
    func run() throws(ServerError) {
        ring.armAccept()
        while accept != .ended || openCount > 0 {
            do throws(RingError) { try ring.wait(isPolling: false) } catch { throw .ring(error) }
            ring.forEachEvent { event in handle(event) }
            if let failure { throw failure }
            ring.refill()
            feedStarved()
            resumeAccepting()
        }
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
            if case .none = consume lease { unsafe slots[Int(number)].connection.sentZeroCopy() }
            unsafe slots[Int(number)].connection.sendFailed()
            advance(number)
        case .released(let lease, let wasCopied, let number):
            _ = consume lease
            guard let number else { break }
            unsafe slots[Int(number)].connection.released(wasCopied: wasCopied)
            advance(number)
        case .accepted(let number): accepted(number)
        case .acceptEnded(let errno): acceptEnded(errno)
        case .woken: isDraining ? cut() : drain()
        case .timer: cut()
        case .identified: break
        }
    }

    private func accepted(_ number: ConnectionNumber) {
        guard connectionLimit.tryEnter() else {
            unsafe statistics.connections.refused += 1
            hasRefused = true
            return ring.close(number)
        }
        let index = Int(number)
        while usedSlotCount <= index {
            unsafe (slots + usedSlotCount).initialize(to: Slot())
            usedSlotCount += 1
        }
        unsafe slots[index] = Slot()
        unsafe slots[index].isOpen = true
        openCount += 1
        unsafe statistics.connections.accepted += 1
        if isDraining { unsafe slots[index].connection.drain() }
        advance(number)
    }

    private func acceptEnded(_ errno: Int32) {
        if isDraining { return endAccepting() }
        switch errno {
        case 0, ECONNABORTED, EINTR, EAGAIN, EPROTO, EPERM, ENETDOWN, EHOSTDOWN, ENETUNREACH, EHOSTUNREACH, ENONET:
            // The kernel ended it without reason, or what failed was a connection and not the listener.
            ring.armAccept()
        case EMFILE, ENFILE, ENOMEM, ENOBUFS:
            if hasRefused {
                // The table is full of connections that were refused: their closing stands before this in the queue.
                hasRefused = false
                ring.armAccept()
            } else {
                // No room: trying at once would spin.
                accept = .paused(since: .now)
            }
        default:
            failure = .system("accept", errno: errno)
        }
    }

    private func received(_ number: ConnectionNumber, _ lease: consuming PooledBuffer) {
        let byteCount = lease.count
        let slot = unsafe slots + Int(number)
        if unsafe slot.pointee.connection.received(byteCount: byteCount) {
            unsafe statistics.bytes.received += byteCount
            unsafe queues.push(lease, to: &slot.pointee.queue)
        } else {
            unsafe statistics.bytes.discarded += byteCount
        }
        advance(number)
    }

    private func receiveEnded(_ number: ConnectionNumber, _ errno: Int32, _ isEndOfStream: Bool) {
        let isStarved = errno == ENOBUFS
        let isFailure = errno != 0 && !isStarved && errno != ECANCELED && errno != EINTR
        unsafe slots[Int(number)].connection.receiveEnded(
            isEndOfStream: isEndOfStream, isFailure: isFailure, isStarved: isStarved)
        if unsafe slots[Int(number)].connection.receive == .starved {
            unsafe statistics.starvedReceives += 1
            addStarved(number)
        }
        advance(number)
    }

    private func sent(_ number: ConnectionNumber, _ lease: consuming PooledBuffer?, _ byteCount: Int) {
        unsafe statistics.bytes.sent += byteCount
        let slot = unsafe slots + Int(number)
        let isWhole = unsafe slot.pointee.connection.sent(byteCount: byteCount, of: slot.pointee.sendingByteCount)
        switch consume lease {
        case .some(let lease) where !isWhole:
            // The rest goes first.
            unsafe slot.pointee.sentByteCount += byteCount
            unsafe queues.pushFirst(lease, to: &slot.pointee.queue)
        case .some:
            unsafe slot.pointee.sentByteCount = 0
        case .none:
            unsafe slot.pointee.sentByteCount = 0
            unsafe slot.pointee.connection.sentZeroCopy()
            // If it came short, the rest is the kernel's memory still, and can't be sent in time.
            if !isWhole { unsafe slot.pointee.connection.sendFailed() }
        }
        advance(number)
    }

    // MARK: Actions

    private func advance(_ number: ConnectionNumber) {
        let slot = unsafe slots + Int(number)
        while let action = unsafe slot.pointee.connection.nextAction(limits) {
            switch action {
            case .armReceive: ring.armReceive(number, .multishot)
            case .cancelReceive:
                if !isDraining, unsafe !slot.pointee.connection.isFailed { unsafe statistics.pausedReceives += 1 }
                ring.cancelReceive(number)
            case .leaveStarved: removeStarved(number)
            case .send: unsafe send(slot, number)
            case .cancelSend: ring.cancelSend(number)
            case .shutdownWrite: ring.shutdownWrite(number)
            case .close:
                ring.close(number)
                unsafe closed(slot)
            case .reset:
                ring.reset(number)
                unsafe closed(slot)
            }
        }
    }

    private func send(_ slot: UnsafeMutablePointer<Slot>, _ number: ConnectionNumber) {
        guard let lease = unsafe queues.pop(from: &slot.pointee.queue) else {
            preconditionFailure("a connection with queued leases has one to send")
        }
        unsafe slot.pointee.sendingByteCount = unsafe lease.count - slot.pointee.sentByteCount
        unsafe ring.send(
            lease, from: slot.pointee.sentByteCount, to: number, mayZeroCopy: slot.pointee.connection.mayZeroCopy)
    }

    private func closed(_ slot: UnsafeMutablePointer<Slot>) {
        unsafe queues.removeAll(from: &slot.pointee.queue)
        unsafe slot.pointee.isOpen = false
        openCount -= 1
        connectionLimit.leave()
        if case .paused = accept {
            accept = .armed
            ring.armAccept()
        }
    }

    // MARK: Starvation

    private func addStarved(_ number: ConnectionNumber) {
        unsafe slots[Int(number)].nextStarved = .max
        if starved.first == .max {
            starved.first = number
        } else {
            unsafe slots[Int(starved.last)].nextStarved = number
        }
        starved.last = number
    }

    /// Rare (a connection fails or drains while it waits), so that a walk is good enough.
    private func removeStarved(_ number: ConnectionNumber) {
        var previous = ConnectionNumber.max
        var current = starved.first
        while current != number {
            guard current != .max else { return }
            previous = current
            current = unsafe slots[Int(current)].nextStarved
        }
        let next = unsafe slots[Int(number)].nextStarved
        if previous == .max { starved.first = next } else { unsafe slots[Int(previous)].nextStarved = next }
        if starved.last == number { starved.last = previous }
    }

    /// How long the next wait may be: while somebody waits for what no event may announce, not for ever.
    private var patience: Duration? {
        if starved.first != .max { return ring.availableBufferCount > 0 ? .zero : .milliseconds(20) }
        if case .paused = accept { return .milliseconds(100) }
        return nil
    }

    /// Tries again to accept when that was given up for a while.
    private func resumeAccepting() {
        guard case .paused(let since) = accept, since.duration(to: .now) >= .milliseconds(100) else { return }
        accept = .armed
        ring.armAccept()
    }

    /// Lets as many connections receive again as there are buffers, the longest waiting first.
    private func feedStarved() {
        guard starved.first != .max else { return }
        var available = ring.availableBufferCount
        while available > 0, starved.first != .max {
            let number = starved.first
            starved.first = unsafe slots[Int(number)].nextStarved
            if starved.first == .max { starved.last = .max }
            unsafe slots[Int(number)].connection.fed()
            advance(number)
            available -= 1
        }
    }

    // MARK: Stopping

    private func drain() {
        isDraining = true
        if accept == .armed { ring.cancelAccept() } else { endAccepting() }
        ring.setTimer(.drain, seconds: drainSeconds)
        for number in 0..<usedSlotCount where unsafe slots[number].isOpen {
            unsafe slots[number].connection.drain()
            advance(ConnectionNumber(number))
        }
    }

    private func endAccepting() {
        accept = .ended
        ring.closeListener()
    }

    private func cut() {
        guard isDraining, !isCut else { return }
        isCut = true
        for number in 0..<usedSlotCount where unsafe slots[number].isOpen {
            if unsafe slots[number].connection.cut() { unsafe statistics.connections.cut += 1 }
            advance(ConnectionNumber(number))
        }
    }
}
