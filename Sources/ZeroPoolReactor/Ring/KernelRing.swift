import Glibc
import SystemSupport
import ZeroPool
import ZeroPoolURing

/// A reactor's ring on io_uring, with a shard of the pool registered and one buffer group.
///
/// User data: `RingPool`'s operations have the top bit; the others have their kind in the next seven bits, and the
/// connection in the low 32. The context of `RingPool`'s operations: their kind in the top eight bits, then 24 bits
/// of the connection's generation, and the connection. Only the thread that makes it may use it.
final class KernelRing: ReactorRing {
    /// What all reactors' rings have in common.
    struct Setup: Sendable {
        var mode: BufferMode
        var pool: BufferPool
        var queues: Ring.Configuration
        var bufferByteCount: Int
        /// Slots of the file table: connections, and a few more to refuse others with.
        var fileSlotCount: Int
        /// Called once per ring when not all memory could be registered.
        var onDegradation: @Sendable (String) -> Void
    }

    /// Sends of at least this size use their registered memory (`WRITE_FIXED`), which `SEND` can't. For smaller sends
    /// that costs up to 5 % more than `SEND`; from here up it costs no more. `Benchmarks/Sources/SendMethods`
    /// measures it, docs/BENCHMARKS.md has the table.
    private static let fixedSendMinimumByteCount = 256 * 1024
    /// Sends of at least this size are zero-copy where that is allowed. On network cards it pays from 3–10 KiB up.
    private static let zeroCopyMinimumByteCount = 16 * 1024

    /// How long a server that starts right after another of the same user waits for the memory that the other had
    /// locked.
    private static let memlockGrace = Duration.seconds(1)

    enum Kind: UInt64 {
        case accept = 1
        case receive
        /// The poll that a receive waits for before it starts.
        case gate
        case cancelReceive
        case cancelSend
        case bell
        case timer
        /// An operation of a task, without a lease.
        case operation
        case identify
        /// The peer's address, which decides whether zero-copy sends can pay.
        case peerName
        /// A buffer that waited for bytes comes back without any.
        case withdrawal
        /// A shutdown of the write side, whose failure changes nothing.
        case shutdown
        /// A reset or a close, whose failure changes nothing.
        case other
    }

    /// The kind of an operation of the ring pool.
    enum LeaseKind: UInt64 {
        case send
        /// An operation of a task.
        case operation
        case open
        /// The status of a file that was just opened for a task.
        case openedStatus
        /// A socket that a task connects, then the slot of the file table for it.
        case connect
        case install
    }

    /// The stage of a connection's receive.
    private enum ReceiveStage: UInt8 {
        case none
        /// It waits for room to send, and is then armed.
        case gated
        case gateCancelling
        case armed
        case cancelling
    }

    let ring: Ring
    let ringPool: RingPool
    let buffers: ProvidedBufferRing
    private var listener: ListeningSocket?
    private let bell: EventBell
    let setup: Setup
    let demand: Box<BufferDemand>
    private var turnCount = 0
    /// Whether the pool gave fewer buffers than were wanted. Asking for more would then not help.
    var isPoolEmpty = false
    /// The memory of its shard, and how much of it was mapped at the start; -1 with `malloc`, which does not report
    /// it.
    let memory: ShardMemory
    let restByteCount: Int
    /// The return of memory to the system that is under way; nil most of the time.
    var rest: Rest?
    var trims = ReactorStatistics.Trims()
    private var isDegradationReported = false

    /// The registrations at the end of service.
    private var registrations = RingPool.Registrations()
    private var zeroCopyCopiedCount = 0
    /// Why the ring can't go on, although the kernel still answers.
    var failure: RingError?
    /// How often each connection number was closed, so that a late notification is not taken for the successor's. Not
    /// checked for exclusivity, since each send reads it; no access calls anything.
    @exclusivity(unchecked) private var generations: [UInt32]
    /// The user data of each connection's send in flight, or 0.
    @exclusivity(unchecked) private var sends: [UInt64]
    /// Consulted by each larger send.
    @exclusivity(unchecked) var zeroCopyRule: ZeroCopyRule
    /// By connection number.
    private var receiveStages: [ReceiveStage]
    /// The user data of each running operation, for cancelling it, by the index of its token.
    var operationUserData: [UInt64] = []
    /// The descriptor of an operation of two parts while the second runs, by the same index.
    var operationDescriptors: [UInt32: Int32] = [:]
    /// The error of an operation that could not begin, by the same index.
    var operationFailures: [UInt32: Int32] = [:]

    init(_ setup: Setup, shard: Int, bell: EventBell) throws(RingError) {
        self.setup = setup
        unsafe generations = Array(repeating: 0, count: setup.fileSlotCount)
        unsafe sends = Array(repeating: 0, count: setup.fileSlotCount)
        unsafe zeroCopyRule = ZeroCopyRule(.none, connectionCount: setup.fileSlotCount)
        receiveStages = Array(repeating: .none, count: setup.fileSlotCount)
        self.bell = bell
        var queues = setup.queues
        queues.memlockGrace = KernelRing.memlockGrace
        ring = try Ring(queues)
        try ring.registerSparseFiles(count: UInt32(setup.fileSlotCount))
        ringPool = try RingPool(
            ring: ring, pool: setup.pool, shard: shard, registersBuffers: setup.mode == .registered)
        var demand = BufferDemand()
        buffers = try KernelRing.makeBufferRing(ringPool, setup, demand: &demand)
        self.demand = Box(demand)
        memory = setup.pool.memory(ofShard: shard)
        restByteCount = setup.mode == .malloc ? -1 : memory.mappedByteCount
        // Registers the arenas that the first buffers were carved from.
        ringPool.synchronize()
        ring.endMemlockGrace()
        reportDegradation()
        armBell()
    }

    /// Accepts at `socket` from now on.
    func listen(on socket: ListeningSocket, zeroCopyPeers: ZeroCopyPeers) {
        listener = socket
        if setup.mode == .registered {
            unsafe zeroCopyRule = ZeroCopyRule(zeroCopyPeers, connectionCount: setup.fileSlotCount)
        }
    }

    /// Makes the ring of buffers, which also counts against the limit on locked memory. If that is short, the ring is
    /// as long as fits.
    private static func makeBufferRing(
        _ ringPool: borrowing RingPool, _ setup: Setup, demand: inout BufferDemand
    ) throws(RingError) -> ProvidedBufferRing {
        while true {
            do throws(RingError) {
                return try ringPool.makeBufferRing(
                    group: 0, entryCount: demand.limit, bufferByteCount: setup.bufferByteCount,
                    targetCount: demand.target, source: setup.mode == .malloc ? .allocator : .pool(setup.pool))
            } catch {
                guard error.errno == ENOMEM, demand.limit > BufferDemand.minimum else { throw error }
                demand = BufferDemand(limit: demand.limit / 2)
            }
        }
    }

    static func userData(_ kind: Kind, _ connection: ConnectionNumber = 0) -> UInt64 {
        kind.rawValue << 56 | UInt64(connection)
    }

    private func armBell() {
        ring.poll(.file(bell.descriptor), events: UInt32(POLLIN), userData: KernelRing.userData(.bell))
    }

    // MARK: Operations

    func armAccept() {
        guard let listener else { return }
        ring.accept(
            on: .file(listener.descriptor), multishot: true, direct: true, userData: KernelRing.userData(.accept))
    }

    func cancelAccept() {
        ring.cancel(KernelRing.userData(.accept), userData: KernelRing.userData(.other))
    }

    // The next two are not inlined: they are rare, and their accesses would be checked for exclusivity at every
    // event.

    @inline(never)
    func armReceive(_ connection: ConnectionNumber, _ extent: ReceiveExtent) {
        let userData = KernelRing.userData(.receive, connection)
        receiveStages[Int(connection)] = .armed
        switch extent {
        case .multishot: ring.receiveMultishot(from: .direct(connection), group: buffers.group, userData: userData)
        case .oneBuffer: ring.receive(from: .direct(connection), group: buffers.group, userData: userData)
        case .oneBufferOnceWritable:
            // Not linked to the receive: between the two there is a moment in which neither could be cancelled.
            receiveStages[Int(connection)] = .gated
            ring.poll(
                .direct(connection), events: UInt32(POLLOUT), userData: KernelRing.userData(.gate, connection))
        }
    }

    @inline(never)
    func cancelReceive(_ connection: ConnectionNumber) {
        let userData = KernelRing.userData(.cancelReceive, connection)
        switch receiveStages[Int(connection)] {
        case .none: break
        case .gated, .gateCancelling:
            receiveStages[Int(connection)] = .gateCancelling
            ring.cancel(KernelRing.userData(.gate, connection), userData: userData)
        case .armed, .cancelling:
            receiveStages[Int(connection)] = .cancelling
            ring.cancel(KernelRing.userData(.receive, connection), userData: userData)
        }
    }

    func closeListener() {
        listener?.stopListening()
        listener = nil
    }

    func send(
        _ lease: consuming PooledBuffer, from offset: Int, to connection: ConnectionNumber, mayZeroCopy: Bool
    ) {
        let end = lease.count
        // Without registration the kernel would charge the bytes to the limit on locked memory, for each send.
        let isZeroCopy =
            unsafe mayZeroCopy && end - offset >= KernelRing.zeroCopyMinimumByteCount
            && zeroCopyRule.allows(connection) && ringPool.isRegistered(lease)
        let method = isZeroCopy ? .zeroCopy : copyingMethod(byteCount: end - offset)
        let generation = unsafe generations[Int(connection)]
        unsafe sends[Int(connection)] = ringPool.send(
            lease, range: offset..<end, to: .direct(connection), method: method, waitAll: true,
            context: UInt64(generation) << 32 | UInt64(connection))
    }

    private func copyingMethod(byteCount: Int) -> RingPool.SendMethod {
        setup.mode == .registered && byteCount >= KernelRing.fixedSendMinimumByteCount ? .fixed : .plain
    }

    func cancelSend(_ connection: ConnectionNumber) {
        let generation = unsafe UInt64(generations[Int(connection)])
        unsafe ring.cancel(
            sends[Int(connection)],
            userData: KernelRing.userData(.cancelSend, connection) | generation << 32)
    }

    // Not inlined: rare.
    @inline(never)
    func shutdownWrite(_ connection: ConnectionNumber) {
        ring.shutdown(
            .direct(connection), how: Int32(SHUT_WR), userData: KernelRing.userData(.shutdown, connection))
    }

    func close(_ connection: ConnectionNumber) {
        unsafe generations[Int(connection)] = (generations[Int(connection)] &+ 1) & 0xff_ffff
        ring.close(.direct(connection), userData: KernelRing.userData(.other))
    }

    func reset(_ connection: ConnectionNumber) {
        ring.disconnect(.direct(connection), userData: KernelRing.userData(.other))
        close(connection)
    }

    /// Whether `identify` works: since kernel 6.8.
    var canIdentify: Bool { ring.features.supports(.installDescriptor) }

    /// A direct descriptor can't be asked for its peer, so an ordinary one is installed for a moment.
    func identify(_ connection: ConnectionNumber) {
        ring.installDescriptor(for: connection, userData: KernelRing.userData(.identify, connection))
    }

    func setTimer(_ timer: ReactorTimer, seconds: Double) {
        ring.timeout(after: .seconds(seconds), userData: KernelRing.userData(.timer, timer.rawValue))
    }

    var availableBufferCount: Int { buffers.providedCount }

    func refill() {
        if rest != nil { return refillAtRest() }
        demand.value.turned(available: buffers.providedCount)
        buffers.targetCount = demand.value.target
        isPoolEmpty = buffers.refill() > 0
        ringPool.synchronize()
        turnCount &+= 1
        if turnCount & 1023 == 0 { reportDegradation() }
    }

    // MARK: Events

    func wait(isPolling: Bool) throws(RingError) {
        if let failure { throw failure }
        try ring.submitAndWait(minimum: isPolling ? 0 : 1)
    }

    func forEachEvent(_ body: (consuming ReactorEvent) -> Void) {
        ring.forEachCompletion { completion in
            if ringPool.isOurs(completion) { return leaseCompleted(completion, body) }
            let connection = ConnectionNumber(truncatingIfNeeded: completion.userData)
            switch Kind(rawValue: completion.userData >> 56) {
            case .receive: receiveCompleted(completion, connection, body)
            case .accept: acceptCompleted(completion, body)
            case .bell: bellCompleted(completion, body)
            case .operation: operationCompleted(completion, body)
            case .timer: timerCompleted(completion, ReactorTimer(rawValue: connection), body)
            case .identify: identifyCompleted(completion, connection, body)
            case .peerName: unsafe zeroCopyRule.named(connection, result: completion.result)
            case .withdrawal: withdrawalCompleted(completion)
            case .gate: gateCompleted(connection, body)
            // Not found. Unless the operation has ended, the kernel is about to retry it, and can find it afterwards.
            case .cancelReceive: if completion.result <= 0 { cancelReceiveAgain(connection) }
            case .cancelSend: if completion.result <= 0 { cancelSendAgain(completion.userData, connection) }
            case .shutdown: body(.halfClosed(connection))
            case .other, nil: break
            }
        }
    }

    /// A reactor that no longer hears its bell, or whose timers fail, must not go on.
    private func bellCompleted(_ completion: Completion, _ body: (consuming ReactorEvent) -> Void) {
        if let errno = completion.errno {
            failure = RingError(.wait, errno: errno)
            return
        }
        bell.silence()
        armBell()
        body(.woken)
    }

    private func timerCompleted(
        _ completion: Completion, _ timer: ReactorTimer?, _ body: (consuming ReactorEvent) -> Void
    ) {
        if completion.errno == ETIME, let timer { return body(.timer(timer)) }
        failure = RingError(.wait, errno: completion.errno ?? EINVAL)
    }

    private func acceptCompleted(_ completion: Completion, _ body: (consuming ReactorEvent) -> Void) {
        if completion.result >= 0 {
            let connection = ConnectionNumber(completion.result)
            // Before any other operation on the connection, so that the answer is known by its first send.
            unsafe zeroCopyRule.accepted(connection, ring, userData: KernelRing.userData(.peerName, connection))
            body(.accepted(connection))
        }
        if completion.isFinal { body(.acceptEnded(errno: completion.errno ?? 0)) }
    }

    private func identifyCompleted(
        _ completion: Completion, _ connection: ConnectionNumber, _ body: (consuming ReactorEvent) -> Void
    ) {
        guard completion.result >= 0 else { return body(.identified(connection, nil)) }
        let address = PeerAddress(ofPeer: completion.result)
        _ = Glibc.close(completion.result)
        body(.identified(connection, address))
    }

    private func cancelReceiveAgain(_ connection: ConnectionNumber) {
        switch receiveStages[Int(connection)] {
        case .gateCancelling, .cancelling: cancelReceive(connection)
        // It has ended; a receive that is armed now must not be cancelled.
        case .none, .gated, .armed: break
        }
    }

    private func cancelSendAgain(_ userData: UInt64, _ connection: ConnectionNumber) {
        let generation = unsafe generations[Int(connection)]
        guard unsafe sends[Int(connection)] != 0, generation == UInt32(userData >> 32 & 0xff_ffff) else { return }
        cancelSend(connection)
    }

    private func gateCompleted(_ connection: ConnectionNumber, _ body: (consuming ReactorEvent) -> Void) {
        switch receiveStages[Int(connection)] {
        case .gated: armReceive(connection, .oneBuffer)
        case .gateCancelling:
            receiveStages[Int(connection)] = .none
            body(.receiveEnded(connection, errno: ECANCELED, isEndOfStream: false))
        case .none, .armed, .cancelling: assertionFailure("a gate opens before its receive")
        }
    }

    private func receiveCompleted(
        _ completion: Completion, _ connection: ConnectionNumber, _ body: (consuming ReactorEvent) -> Void
    ) {
        // A failed completion may carry a buffer too. That buffer returns to the pool here.
        let lease = buffers.take(completion)
        if completion.result > 0, let lease { body(.received(connection, lease)) }
        if completion.isFinal {
            receiveStages[Int(connection)] = .none
            if completion.errno == ENOBUFS, !isPoolEmpty, rest == nil { demand.value.starved() }
            body(
                .receiveEnded(
                    connection, errno: completion.errno ?? 0, isEndOfStream: completion.result == 0))
        }
    }

    private func leaseCompleted(_ completion: Completion, _ body: (consuming ReactorEvent) -> Void) {
        guard let completed = ringPool.complete(completion) else { return }
        let connection = ConnectionNumber(truncatingIfNeeded: completed.context)
        guard completed.context >> 56 == LeaseKind.send.rawValue else {
            return leaseOperationCompleted(completed, body)
        }
        if completion.flags.contains(.notification) {
            let wasCopied = completion.zeroCopyWasCopied
            if wasCopied { zeroCopyCopiedCount += 1 }
            let isGone = unsafe generations[Int(connection)] != UInt32(truncatingIfNeeded: completed.context >> 32)
            return body(.released(completed.takeLease(), wasCopied: wasCopied, isGone ? nil : connection))
        }
        unsafe sends[Int(connection)] = 0
        if let errno = completion.errno {
            body(.sendFailed(connection, completed.takeLease(), errno: errno))
        } else {
            body(.sent(connection, completed.takeLease(), byteCount: Int(completion.result)))
        }
    }

    // MARK: End

    /// Cancels, reaps, unregisters and closes, in this order, on the ring's thread, even if something keeps this
    /// object longer.
    func close() {
        reportDegradation()
        // Submitting the operations noted last, such as resets, completes them. A ring that is dead by now has
        // nothing more to do.
        do {
            try wait(isPolling: true)
            forEachEvent { _ in }
        } catch {}
        registrations = ringPool.registrations
        ring.cancelAll(userData: KernelRing.userData(.other))
        ringPool.close()
        leftover = (ringPool.registrations.registeredByteCount, ringPool.inFlightCount)
        operationCounts = ring.operationCounts
        enterCount = ring.enterCount
        zeroCopySendCount = ring.operationCount(of: .sendZeroCopy)
        buffers.close()
        ring.close()
    }

    /// Registered memory and operations with leases that a closed ring still has. Anything but zero is a bug.
    private(set) var leftover = (registeredByteCount: 0, inFlightCount: 0)
    private var operationCounts: [(name: String, count: Int)] = []
    private var enterCount = 0
    private var zeroCopySendCount = 0

    func abandon() { unsafe _ = Unmanaged.passRetained(self) }

    /// What this ring did.
    func report(into statistics: inout ReactorStatistics) {
        statistics.operations = Dictionary(uniqueKeysWithValues: operationCounts.map { ($0.name, $0.count) })
        statistics.enterCalls = enterCount
        statistics.registeredByteCount = registrations.registeredByteCount
        statistics.plainFallbacks = registrations.plainFallbackCount
        statistics.fixedBufferOperations = registrations.fixedOperationCount
        statistics.zeroCopySends.count = zeroCopySendCount
        statistics.zeroCopySends.copied = zeroCopyCopiedCount
        statistics.trims = trims
    }

    /// Reports once, with the remedy, that not all memory is registered: at the start, or when load makes that
    /// happen.
    private func reportDegradation() {
        let registrations = ringPool.registrations
        guard !isDegradationReported, registrations.plainArenaCount > 0, let error = registrations.lastError else {
            return
        }
        isDegradationReported = true
        let remedy = error.remedy.map { " \($0)" } ?? ""
        setup.onDegradation(
            "\(registrations.registeredByteCount) bytes are registered; the rest serves as plain memory. \(error).\(remedy)"
        )
    }
}
