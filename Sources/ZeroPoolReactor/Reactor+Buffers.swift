public import ZeroPool

/// How a reactor works when buffers run out.
///
/// - A receive that finds no buffer waits in line, and so does one that would begin while others wait. Each turn of
///   the loop resumes as many receives as there are buffers. A resumed receive takes one buffer and lines up again,
///   so no connection takes a second buffer before the last in line has had its first.
/// - A task that awaits a buffer (``buffer(byteCount:atLeast:deadline:)``) and finds none waits in a line of its own, which
///   is served first.
/// - When the pool itself has none, buffers are scarce. A connection then holds one at a time, and gets it only when
///   its socket has room to send. While a connection or a task waits, connections whose peers have taken no whole
///   buffer for the stall time are cut, the longest stalled first.
extension Reactor {
    /// The size of buffers for tasks that wait in line.
    private static var scarceByteCount: Int { 16 * 1024 }

    // MARK: Buffers for tasks

    /// A buffer for `byteCount` bytes, or a smaller one for at least `least` bytes when the pool is short. Waits in
    /// line when there is none.
    ///
    /// Throws when `deadline` passes and when the task is cancelled. Its thread only.
    public nonisolated(nonsending) func buffer(
        byteCount: Int, atLeast least: Int? = nil, deadline: Deadline? = nil
    ) async throws(IOError) -> PooledBuffer {
        requireThread()
        guard canWork else { throw IOError(.getBuffer, .ended) }
        let least = least ?? byteCount
        if let buffer = tryBuffer(byteCount: byteCount, atLeast: least) { return buffer }
        counts.value.blockWaits += 1
        if isCut { throw IOError(.getBuffer, .cut) }
        if let deadline, isOver(deadline) { throw IOError(.getBuffer, .deadline) }
        let token = operations.value.begin(isLong: true)
        bufferLine.append(token, least: least)
        await waitCancellably(token, deadline)
        let end = operations.value.end(token)
        bufferLine.remove(token)
        guard let buffer = operations.value.takeOutcome(token).takeLease() else {
            throw IOError(.getBuffer, end.reason ?? .ended)
        }
        return buffer
    }

    /// The same without waiting: nil when there is no buffer, or when others wait for one. Its thread only.
    public func tryBuffer(byteCount: Int, atLeast least: Int? = nil) -> PooledBuffer? {
        requireThread()
        return bufferLine.isEmpty && canWork ? takeBuffer(byteCount, atLeast: least ?? byteCount) : nil
    }

    /// Tries smaller sizes when the pool has no buffer of the wanted size.
    private func takeBuffer(_ byteCount: Int, atLeast least: Int) -> PooledBuffer? {
        var size = byteCount
        while size > least {
            if let buffer = ring.takeBuffer(size) { return buffer }
            size /= 2
        }
        return ring.takeBuffer(least)
    }

    /// Gives buffers to the tasks in line, the longest waiting first, as long as there are any.
    private func feedTasks() {
        onScarcity?()
        while let (token, least) = bufferLine.first {
            guard let buffer = takeBuffer(max(least, Self.scarceByteCount), atLeast: least) else { return }
            bufferLine.removeFirst()
            operations.value.complete(token, OperationOutcome(result: 0, lease: buffer))
        }
    }

    // MARK: Buffers for receives

    /// Arms a receive, or puts it in line. With `isItsTurn` it may receive although others wait.
    func armReceive(_ connection: Connection, isItsTurn: Bool = false) {
        guard isItsTurn || waiting.value.isEmpty && scarcity == nil else {
            connection.reception = .waiting
            return waiting.value.append(connection.number)
        }
        let extent: ReceiveExtent =
            scarcity != nil
            ? .oneBufferOnceWritable : isItsTurn || connection.isLagging ? .oneBuffer : .multishot
        connection.reception = extent == .multishot ? .armed : .armedForOne
        ring.armReceive(connection.number, extent)
    }

    /// Puts a receive in line that found no buffer.
    func starved(_ connection: Connection) {
        connection.reception = .waiting
        counts.value.starvedReceives += 1
        waiting.value.append(connection.number)
    }

    /// Resumes as many waits as there are buffers, the longest waiting first. Called once per turn.
    @inline(__always)
    func feedWaiting() {
        if !waiting.value.isEmpty || scarcity != nil || !bufferLine.isEmpty { feed() }
    }

    @inline(never)
    private func feed() {
        if !bufferLine.isEmpty { feedTasks() }
        var available = ring.availableBufferCount
        let isShort = !bufferLine.isEmpty || available == 0 && !waiting.value.isEmpty
        if isShort, scarcity == nil { beginScarcity() }
        while available > 0, let number = waiting.value.popFirst() {
            let connection = connections[number]
            connection.reception = .idle
            if connection.wantsToReceive { armReceive(connection, isItsTurn: true) }
            // A connection that now has too much unread receives later, and leaves the buffer to the next.
            if connection.reception == .armedForOne { available -= 1 }
        }
        scarcity?.turned(unservedCount: waiting.value.count + bufferLine.count)
    }

    private func beginScarcity() {
        scarcity = Scarcity()
        counts.value.scarcities += 1
        connectionLimits = limits.connection.scarce
        // Connections with unread or unsent bytes no longer receive.
        connections.forEach { $0.advance() }
        setScarcityTimer()
    }

    private func endScarcity() {
        scarcity = nil
        connectionLimits = limits.connection
        connections.forEach { $0.advance() }
    }

    /// The timer of an earlier scarcity may still run. It then serves this one.
    private func setScarcityTimer() {
        guard !isScarcityTimerSet else { return }
        isScarcityTimerSet = true
        ring.setTimer(.scarcity, seconds: TurnHistory.tickSeconds(of: limits.connection.stallSeconds))
    }

    func scarcityTimerTicked() {
        isScarcityTimerSet = false
        guard scarcity != nil else { return }
        let missingCount = scarcity?.unservedCount ?? 0
        let stalledTurn = scarcity?.tick(turn: turn)
        if let stalledTurn { cutStalled(since: stalledTurn, missingCount: missingCount) }
        if scarcity?.isOver == true { endScarcity() } else { setScarcityTimer() }
    }

    /// Cuts stalled peers, the longest stalled first, until `missingCount` buffers come back.
    private func cutStalled(since turn: Int, missingCount: Int) {
        var debtors: [Connection] = []
        connections.forEach { if $0.isDebtor, $0.lastTurn <= turn { debtors.append($0) } }
        debtors.sort { ($0.lastTurn, $0.number) < ($1.lastTurn, $1.number) }
        var missingCount = missingCount
        for connection in debtors {
            guard missingCount > 0 else { break }
            missingCount -= connection.leaseCount
            if connection.cut(.stalled) { counts.value.connections.stalled += 1 }
        }
    }

    // MARK: Idle memory

    /// With at most this many events between two checks, the interval was quiet, and all idle memory is trimmed.
    private static var calmEventCount: Int { 64 }

    /// Called at the end of each turn. Sets the timer when there were events and the ring holds more memory than it
    /// began with. So an idle server is not woken.
    @inline(__always)
    func watchMemory() {
        if eventCount > 0 && !isTrimTimerSet && ring.isAboveRest { setTrimTimer() }
    }

    @inline(never)
    private func setTrimTimer() {
        guard limits.trimSeconds > 0 else { return }
        eventCount = 0
        isTrimTimerSet = true
        ring.setTimer(.trim, seconds: limits.trimSeconds)
    }

    func trimTimerTicked() {
        isTrimTimerSet = false
        if eventCount > Self.calmEventCount {
            ring.trim(olderThanSeconds: limits.trimSeconds)
        } else {
            eventCount = 0
            ring.beginRest()
        }
    }
}

/// A period in which a connection or a task waits for a buffer and the pool has none.
///
/// It begins at once, and ends when nothing has waited for a whole stall time.
struct Scarcity {
    private var history = TurnHistory()
    /// Connections and tasks for which the last turn had no buffer. (During a scarcity, every receive lines up; most
    /// get a buffer at the end of the same turn.)
    private(set) var unservedCount = 0
    /// Whether any were unserved since the last tick.
    private var wasAnyoneUnserved = false
    /// Ticks since a connection or a task last waited.
    private var calmTickCount = 0

    var isOver: Bool { calmTickCount == TurnHistory.tickCount }

    /// Notes the end of a turn that had no buffer for this many.
    mutating func turned(unservedCount: Int) {
        self.unservedCount = unservedCount
        if unservedCount > 0 { wasAnyoneUnserved = true }
    }

    /// Notes a tick of the timer in turn `turn`. Returns a turn: a peer counts as stalled if its connection's last
    /// event was in that turn or before. Nil when nothing waits, or when it is too early to tell.
    mutating func tick(turn: Int) -> Int? {
        calmTickCount = wasAnyoneUnserved || unservedCount > 0 ? 0 : calmTickCount + 1
        wasAnyoneUnserved = false
        let stalledTurn = history.tick(turn: turn)
        return unservedCount > 0 ? stalledTurn : nil
    }
}

/// Finds the turn of the loop that was a given time ago. So a connection only notes the turn of its last event, which
/// costs a store; noting the time would cost a read of the clock.
///
/// A timer ticks eight times in the given time, so anything older is found at most an eighth of that time late.
struct TurnHistory {
    static let tickCount = 8

    /// The turns of the last ticks, the oldest first.
    private var turns: [Int] = []

    /// Seconds between two ticks.
    static func tickSeconds(of seconds: Double) -> Double { seconds / Double(tickCount) }

    /// Notes a tick of the timer in turn `turn`. Returns the turn of eight ticks ago: anything that last happened in
    /// it or before is older than the given time. Nil until there were enough ticks.
    mutating func tick(turn: Int) -> Int? {
        turns.append(turn)
        return turns.count > TurnHistory.tickCount ? turns.removeFirst() : nil
    }
}

/// Connections that wait for buffers, the longest waiting first. Each is in it at most once.
///
/// Linked by connection number, in a table of eight bytes per number. Cost: constant.
@safe
struct WaitingLine: ~Copyable {
    /// Numbers plus one; 0 for none.
    private struct Link {
        var next: UInt32 = 0
        var previous: UInt32 = 0
    }

    private let links: UnsafeMutablePointer<Link>
    private let capacity: Int
    private var first: UInt32 = 0
    private var last: UInt32 = 0
    private(set) var count = 0

    var isEmpty: Bool { first == 0 }

    /// For connections numbered below `capacity`.
    init(capacity: Int) {
        self.capacity = capacity
        unsafe links = .allocate(capacity: capacity)
        unsafe links.initialize(repeating: Link(), count: capacity)
    }

    deinit { unsafe links.deallocate() }

    /// Adds a connection that is not in it, at the end.
    mutating func append(_ number: ConnectionNumber) {
        assert(unsafe links[Int(number)].previous == 0 && first != number + 1, "a connection waits once")
        unsafe links[Int(number)] = Link(next: 0, previous: last)
        if last == 0 { first = number + 1 } else { unsafe links[Int(last - 1)].next = number + 1 }
        last = number + 1
        count += 1
    }

    /// Takes out the one that has waited longest.
    mutating func popFirst() -> ConnectionNumber? {
        guard first != 0 else { return nil }
        let number = first - 1
        remove(number)
        return number
    }

    /// Takes out a connection that is in it.
    mutating func remove(_ number: ConnectionNumber) {
        let link = unsafe links[Int(number)]
        assert(link.previous != 0 || first == number + 1, "only who waits stops waiting")
        if link.previous == 0 { first = link.next } else { unsafe links[Int(link.previous - 1)].next = link.next }
        if link.next == 0 { last = link.previous } else { unsafe links[Int(link.next - 1)].previous = link.previous }
        unsafe links[Int(number)] = Link()
        count -= 1
    }
}

/// Tasks that wait for a buffer, the longest waiting first. Short, and empty most of the time.
struct BufferLine {
    private var entries: [(token: OperationToken, least: Int)] = []

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }
    var first: (token: OperationToken, least: Int)? { entries.first }

    mutating func append(_ token: OperationToken, least: Int) { entries.append((token, least)) }

    mutating func removeFirst() { entries.removeFirst() }

    /// Removes a task that may have been served already.
    mutating func remove(_ token: OperationToken) {
        if let index = entries.firstIndex(where: { $0.token == token }) { entries.remove(at: index) }
    }
}
