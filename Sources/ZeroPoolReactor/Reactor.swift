internal import Glibc
internal import SystemSupport
public import ZeroPool
internal import ZeroPoolURing

/// A thread with a ring, a shard of the pool, and the tasks that run on it.
///
/// Handlers of its connections run here and nowhere else. So do other tasks that prefer it:
/// `Task(executorPreference: reactor) { … }`.
///
/// Rules of the loop (`run`):
/// 1. Each turn runs the parts of tasks that are ready, in order; replaces used buffers; resumes connections that
///    wait for buffers; submits and waits; and handles every event that has arrived.
/// 2. Handling an event never blocks. It changes the record of its connection or operation, notes operations for the next
///    wait, and makes tasks ready.
/// 3. Nothing here takes a lock or touches another reactor's memory, except when a connection begins or ends (`Admission`)
///    and when another thread posts to the mailbox.
/// 4. Time is turns of the loop and ticks of ring timers. No clock is read on the hot path.
public final class Reactor: TaskExecutor, @unchecked Sendable {
    /// What serves a connection.
    public typealias Handler = nonisolated(nonsending) @Sendable (Connection) async throws -> Void

    let ring: any ReactorRing
    let admission: Admission
    let limits: ReactorLimits
    /// The pool that its buffers come from.
    public let pool: BufferPool
    /// Its number in its group, from 0.
    public let index: Int
    private let mailbox: Mailbox
    private let thread = pthread_self()
    private let jobs = Box(JobQueue())

    // Connections.
    let connections: ConnectionTable
    /// The leases that wait in connections' queues.
    let queues = Box(LeaseQueues())
    var openCount = 0
    var peerAddresses: [ConnectionNumber: PeerAddress] = [:]
    /// The limits per connection: the ones of `limits`, or stricter ones while buffers are scarce.
    var connectionLimits: ConnectionLimits
    var turn = 0
    let counts = Box(ReactorStatistics())

    // Accepting.
    var service: Service?
    var accept = Accept.ended
    var isAcceptTimerSet = false
    /// Whether connections were refused since accepting last ended for lack of room.
    var hasRefused = false

    // Operations other than those of accepted connections.
    let operations = Box(OperationTable())

    // Buffers.
    /// Connections that wait for a buffer to receive into.
    let waiting: Box<WaitingLine>
    /// Awaits of a buffer.
    var bufferLine = BufferLine()
    var scarcity: Scarcity?
    var isScarcityTimerSet = false
    /// Called before waiting tasks get buffers, to give back memory that is kept only to save work.
    public var onScarcity: (() -> Void)?

    // Memory.
    /// Events, without those of timers, since the last search for idle memory.
    var eventCount = 0
    var isTrimTimerSet = false

    // Hooks of a program that keeps state per reactor.
    /// Called at each tick of the coarse clock while it ticks. Returns whether it should go on.
    package var onTick: (() -> Bool)?
    /// Called when the last connection has ended, before the ring is closed.
    package var onEnd: (() -> Void)?

    // Deadlines.
    /// The coarse clock, in grains.
    var tick: UInt32 = 1
    /// The last tick that a deadline waits for.
    var lastDeadlineTick: UInt32 = 0
    var isDeadlineTimerSet = false

    // Ending.
    var idleHistory = TurnHistory()
    /// Behind ``isDraining``, since each access to a stored public property of a class is checked for exclusivity.
    private var drains = false
    var isCut = false
    private var isEnding = false
    private var hasEnded = false
    /// Whether tasks that become ready on its thread still run there.
    private var runsJobs = true
    var failure: ReactorError?

    /// What serves the accepted connections.
    struct Service {
        let handler: Handler
    }

    enum Accept: Equatable {
        case armed
        /// There is no room for another connection. Resumes when one closes, or after a while.
        case paused
        case ended
    }

    /// - Parameter slotCount: Connections are numbered below it.
    package init(
        ring: any ReactorRing, pool: BufferPool, bell: any Bell, index: Int = 0, slotCount: Int, admission: Admission,
        limits: ReactorLimits
    ) {
        self.ring = ring
        self.pool = pool
        self.index = index
        self.admission = admission
        self.limits = limits
        mailbox = Mailbox(bell: bell)
        connectionLimits = limits.connection
        connections = ConnectionTable(capacity: slotCount)
        waiting = Box(WaitingLine(capacity: slotCount))
    }

    /// Whether the server stops: no new work should begin.
    public var isDraining: Bool { drains }

    /// What it has done so far. Its thread only.
    public var statistics: ReactorStatistics { counts.value }

    // MARK: Other threads

    /// Runs `work` on the reactor's thread. Any thread; from its own at once. Dropped when the reactor has ended.
    public func post(_ work: @escaping @Sendable (Reactor) -> Void) {
        if !isOwnThread { postLater(work) } else if runsJobs { work(self) }
    }

    /// The same, but never at once: runs in the turn after the bell rings. Any thread.
    package func postLater(_ work: @escaping @Sendable (Reactor) -> Void) { mailbox.post(.call(work)) }

    /// Accepts a part of a task that prefers this reactor: the Swift runtime's side of `TaskExecutor`. Any thread.
    ///
    /// After the reactor has ended, its tasks continue on the global executor, and what they await of the reactor
    /// throws.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isOwnThread, runsJobs {
            jobs.value.append(job)
        } else if !mailbox.post(.job(job)) {
            globalConcurrentExecutor.enqueue(job)
        }
    }

    var isOwnThread: Bool { thread == pthread_self() }

    @inline(__always)
    func requireThread() {
        precondition(isOwnThread || hasEnded, "connections, files and buffers of a reactor belong to its thread")
    }

    // MARK: The loop

    /// Serves on the calling thread until everything has ended after ``end()``. Throws when the ring fails; awaits in
    /// handlers then throw.
    package func run() throws(ReactorError) {
        setIdleTimer()
        while !isOver {
            runJobs()
            ring.refill()
            feedWaiting()
            watchMemory()
            if isOver { break }
            let isPolling = jobs.value.count > 0 || !waiting.value.isEmpty && ring.availableBufferCount > 0
            do throws(RingError) {
                try ring.wait(isPolling: isPolling)
            } catch {
                failure = .ring(error)
            }
            turn &+= 1
            ring.forEachEvent { event in handle(event) }
            if let failure {
                abandon()
                throw failure
            }
        }
        onEnd?()
        onEnd = nil
        service = nil
        hasEnded = true
        runLastJobs()
        ring.close()
    }

    /// Whether nothing is left to do.
    private var isOver: Bool {
        isEnding && accept == .ended && openCount == 0 && operations.value.count == 0 && jobs.value.count == 0
    }

    /// Runs what is ready now. What becomes ready meanwhile runs in the next turn, so that tasks that yield to each
    /// other endlessly don't keep the ring waiting.
    private func runJobs() {
        var count = jobs.value.count
        guard count > 0 else { return }
        let executor = unsafe asUnownedTaskExecutor()
        while count > 0, let job = jobs.value.popFirst() {
            unsafe job.runSynchronously(on: executor)
            count -= 1
        }
    }

    private func deliver(_ message: Mailbox.Message) {
        switch message {
        case .job(let job): jobs.value.append(job)
        case .call(let work): work(self)
        }
    }

    private func handle(_ event: consuming ReactorEvent) {
        switch consume event {
        case .received(let number, let lease): connections[number].received(lease)
        case .sent(let number, let lease, let byteCount): connections[number].sent(lease, byteCount: byteCount)
        case .receiveEnded(let number, let errno, let isEndOfStream):
            connections[number].receiveEnded(errno: errno, isEndOfStream: isEndOfStream)
        case .completed(let token, let outcome): completed(token, outcome)
        case .sendFailed(let number, let lease, let errno): connections[number].sendFailed(lease, errno: errno)
        case .halfClosed(let number): connections[number].halfClosed()
        case .released(let lease, let wasCopied, let number):
            _ = consume lease
            if let number { connections[number].released(wasCopied: wasCopied) }
        case .accepted(let number): accepted(number)
        case .identified(let number, let address): identified(number, address)
        case .acceptEnded(let errno): acceptEnded(errno)
        case .woken: mailbox.take { message in deliver(message) }
        case .timer(let timer): return ticked(timer)
        }
        eventCount &+= 1
    }

    private func ticked(_ timer: ReactorTimer) {
        switch timer {
        case .drain: cutAll()
        case .accept: acceptTimerTicked()
        case .scarcity: scarcityTimerTicked()
        case .idle: idleTimerTicked()
        case .trim: trimTimerTicked()
        case .deadline: deadlineTimerTicked()
        }
    }

    // MARK: Time

    /// A deadline after `duration`, for any await on this reactor. It is noticed up to two grains of the coarse clock
    /// late (0.1 seconds each by default).
    public func deadline(after duration: Duration) -> Deadline {
        let (seconds, attoseconds) = duration.components
        return deadline(afterSeconds: Double(seconds) + Double(attoseconds) * 1e-18)
    }

    /// The same without a `Duration`, which saves about 500 instructions.
    package func deadline(afterSeconds seconds: Double) -> Deadline {
        let grains = seconds / limits.deadlineGrainSeconds
        // One tick more: the next one may come at once.
        let deadline = tick &+ UInt32(max(0, min(grains.rounded(.up), 1e9))) &+ 1
        if deadline > lastDeadlineTick { lastDeadlineTick = deadline }
        if !isDeadlineTimerSet { setDeadlineTimer() }
        return Deadline(tick: deadline)
    }

    /// Whether a deadline has passed. To be checked before a wait: no timer looks for deadlines that have already
    /// passed.
    func isOver(_ deadline: Deadline) -> Bool { deadline.tick <= tick }

    private func setDeadlineTimer() {
        guard canWork else { return }
        isDeadlineTimerSet = true
        ring.setTimer(.deadline, seconds: limits.deadlineGrainSeconds)
    }

    private func deadlineTimerTicked() {
        isDeadlineTimerSet = false
        tick &+= 1
        connections.forEach { $0.look(at: tick) }
        expireOperations()
        let isWanted = onTick?() ?? false
        // A reactor on which nothing waits for a deadline is not woken.
        if isWanted || tick < lastDeadlineTick, !isDeadlineTimerSet { setDeadlineTimer() }
    }

    /// Starts the ticks that call `onTick`.
    package func startTicking() {
        if !isDeadlineTimerSet { setDeadlineTimer() }
    }

    private func setIdleTimer() {
        guard limits.connection.idleSeconds > 0 else { return }
        ring.setTimer(.idle, seconds: TurnHistory.tickSeconds(of: limits.connection.idleSeconds))
    }

    private func idleTimerTicked() {
        if let idleTurn = idleHistory.tick(turn: turn) {
            connections.forEach { connection in
                guard connection.lastTurn <= idleTurn, connection.cut(.idle) else { return }
                counts.value.connections.idle += 1
            }
        }
        setIdleTimer()
    }

    // MARK: Ending

    /// Accepts no more connections, lets handlers finish what was received, and cuts what is left after the drain
    /// time. Its thread only, like the next two methods.
    package func drain(seconds: Double? = nil) {
        guard !isDraining else { return }
        drains = true
        switch accept {
        case .armed: ring.cancelAccept()
        case .paused: endAccepting()
        case .ended: break
        }
        if openCount > 0 || operations.value.count > 0 || accept != .ended {
            ring.setTimer(.drain, seconds: seconds ?? limits.drainSeconds)
        }
        connections.forEach { $0.drain() }
    }

    /// Ends every connection. Those with bytes unsent or unread are reset.
    package func cutAll() {
        guard isDraining, !isCut else { return }
        isCut = true
        connections.forEach { $0.cut(.cut) }
        operations.value.cutLongWaits()
    }

    /// Makes ``run()`` return when nothing is left to do.
    package func end() {
        isEnding = true
        drain()
    }

    /// Gives up a dead ring. Every await throws, so that handlers end. Memory that the kernel may still touch stays
    /// mapped.
    private func abandon() {
        ring.abandon()
        hasEnded = true
        drains = true
        isCut = true
        accept = .ended
        connections.forEach { $0.abandon() }
        abandonOperations()
        onEnd?()
        onEnd = nil
        service = nil
        runLastJobs()
    }

    /// Runs the tasks that are ready. Tasks that become ready later, or never end, continue on the global executor.
    private func runLastJobs() {
        mailbox.close { message in deliver(message) }
        var turnCount = 0
        while jobs.value.count > 0, turnCount < 10_000 {
            runJobs()
            turnCount += 1
        }
        runsJobs = false
        while let job = jobs.value.popFirst() { globalConcurrentExecutor.enqueue(job) }
    }

    /// Whether awaits can still complete.
    var canWork: Bool { !hasEnded }

    func countOwed(_ byteCount: Int) {
        if byteCount > counts.value.maxOwedByteCount { counts.value.maxOwedByteCount = byteCount }
    }

    /// Parts of tasks that are ready.
    var readyJobCount: Int { jobs.value.count }

    /// Leases that connections hold. For the check at the end.
    package var queuedLeaseCount: Int { queues.value.count }
}

/// The connections of a reactor by number. Cost: constant.
///
/// A class, so that the body of `forEach` may remove connections.
@safe
final class ConnectionTable {
    private let connections: UnsafeMutablePointer<Connection?>
    private let capacity: Int
    /// Numbers from here up were never used.
    private var usedCount = 0

    init(capacity: Int) {
        self.capacity = capacity
        unsafe connections = .allocate(capacity: capacity)
    }

    deinit {
        unsafe connections.deinitialize(count: usedCount)
        unsafe connections.deallocate()
    }

    /// Traps when there is none: every event belongs to an open connection.
    subscript(number: ConnectionNumber) -> Connection {
        @inline(__always)
        get {
            precondition(Int(number) < usedCount)
            return unsafe connections[Int(number)]!
        }
    }

    func insert(_ connection: Connection) {
        let index = Int(connection.number)
        precondition(index < capacity, "connections are numbered below the slot count")
        while usedCount <= index {
            unsafe (connections + usedCount).initialize(to: nil)
            usedCount += 1
        }
        unsafe connections[index] = connection
    }

    func remove(_ number: ConnectionNumber) { unsafe connections[Int(number)] = nil }

    /// In the order of their numbers. `body` may remove connections.
    func forEach(_ body: (Connection) -> Void) {
        for index in 0..<usedCount {
            if let connection = unsafe connections[index] { body(connection) }
        }
    }
}
