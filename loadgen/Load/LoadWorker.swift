import Glibc
import SystemSupport
import ZeroPool
import ZeroPoolURing

/// One thread of load: a ring, and the connections of this thread.
///
/// It makes its connections, waits for the other threads, then goes through the phases below. Everything that it waits
/// for has a deadline, and a tick of its ring wakes it when nothing else does, so that it ends by itself also when the
/// server does nothing. Made and used on the thread that runs it.
@safe final class LoadWorker<Conversation: Exchange> {
    enum Phase { case connecting, warmup, measuring, draining }

    /// How many connections are being made at a time: a short listen queue must not overflow at once.
    private static var concurrentConnectCount: Int { 64 }

    let plan: LoadPlan
    let exchange: Conversation
    let control: LoadControl
    private let isFirst: Bool
    private let observedProcess: pid_t?
    private let progress: ProgressLine
    let ring: Ring
    let receiver: LoadReceiver
    let address: SocketAddress
    // SAFETY: the kernel reads the address when it takes a connect, so it stays in place as long as the ring.
    let addressBytes: UnsafeMutableRawBufferPointer

    var slots: [LoadSlot]
    /// What comes back on each of them. Not in the slots, of which no copy may depend on a generic type: that costs.
    var answers: [Conversation.Answers]
    /// Connections whose receive has ended without its stream: it is armed again at the end of the turn.
    var unarmedIndices: [Int] = []
    var tally = LoadTally()
    private(set) var phase = Phase.connecting
    /// When the phase ends.
    private var deadline: UInt64 = 0
    private var window: MeasuredWindow?
    /// Connections that are being made, and those that take part.
    var connectingCount = 0
    var openCount = 0
    /// Operations that the kernel has: each has one final completion to come.
    var operationsInFlight = 0
    /// As of the last tick, for the total of all threads.
    private var reportedRequestCount = 0
    /// As of the last progress line, for the rate on the next.
    private var shownRequestCount = 0
    private var shownNanoseconds: UInt64 = 0

    /// Makes the ring and the connections of one thread, runs them, and takes all of it down.
    static func run(
        _ plan: LoadPlan, _ exchange: Conversation, threadIndex: Int, to address: SocketAddress, control: LoadControl,
        observedProcess: pid_t?,
        progress: ProgressLine
    ) -> LoadTally {
        do {
            let worker = try LoadWorker(
                plan: plan, exchange: exchange, threadIndex: threadIndex, address: address, control: control,
                observedProcess: observedProcess, progress: progress)
            worker.run()
            for answers in worker.answers { worker.tally.statuses.merge(answers.statuses) }
            worker.tally.operations = Dictionary(
                uniqueKeysWithValues: worker.ring.operationCounts.map { ($0.name, $0.count) })
            return worker.tally
        } catch {
            control.abort()
            control.start.arriveAndWait()
            var tally = LoadTally()
            tally.failures.append(Self.sentence(error))
            return tally
        }
    }

    private init(
        plan: LoadPlan, exchange: Conversation, threadIndex: Int, address: SocketAddress, control: LoadControl,
        observedProcess: pid_t?, progress: ProgressLine
    ) throws(RingError) {
        self.plan = plan
        self.exchange = exchange
        self.control = control
        self.progress = progress
        isFirst = threadIndex == 0
        self.observedProcess = observedProcess
        let numbers = plan.connections(ofThread: threadIndex)
        slots = numbers.map {
            LoadSlot(
                number: $0,
                connection: LoadConnection(
                    messageByteCount: exchange.messageByteCount, pipeline: plan.pipeline,
                    longestRunByteCount: exchange.longestRunByteCount))
        }
        answers = numbers.map { exchange.answers(onConnection: $0) }
        ring = try Ring()
        receiver = try LoadReceiver(
            ring: ring, answerByteCount: exchange.answerByteCount, pipeline: plan.pipeline,
            connectionCount: slots.count)
        self.address = address
        unsafe addressBytes = address.withSockaddr { name in
            let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: name.byteCount, alignment: 8)
            unsafe name.withUnsafeBytes { unsafe bytes.copyMemory(from: $0) }
            return unsafe bytes
        }
    }

    deinit {
        unsafe addressBytes.deallocate()
    }

    private func run() {
        do {
            try connectAll()
        } catch {
            fail(error)
        }
        control.start.arriveAndWait()
        do {
            begin()
            while openCount > 0, !control.isAborted, phase != .draining || Clock.monotonicNanoseconds < deadline {
                try turn()
            }
            closeWindow(at: Clock.monotonicNanoseconds)
            if !control.isAborted {
                tally.unansweredConnectionCount = slots.count { !$0.connection.isEnded && $0.connection.isOwedAnswers }
            }
            try end()
        } catch {
            fail(error)
        }
    }

    private func fail(_ error: RingError) {
        tally.failures.append(Self.sentence(error))
        control.abort()
        // A ring that fails in the middle may leave operations behind: what they point to stays where it is.
        _ = unsafe Unmanaged.passRetained(self)
    }

    private static func sentence(_ error: RingError) -> String {
        [error.description, error.remedy].compactMap(\.self).joined(separator: ". ")
    }

    private func connectAll() throws(RingError) {
        var now = Clock.monotonicNanoseconds
        deadline = now + UInt64(nanosecondsIn: plan.connectTimeoutSeconds)
        armTick(at: now)
        var nextIndex = 0
        while now < deadline, !control.isAborted {
            while nextIndex < slots.count, connectingCount < Self.concurrentConnectCount {
                connect(nextIndex)
                nextIndex += 1
            }
            guard connectingCount > 0 else { return }
            try turn()
            now = Clock.monotonicNanoseconds
        }
        for index in slots.indices where slots[index].connection.isConnecting {
            slots[index].connection.abandon()
            tally.connectErrors[ETIMEDOUT, default: 0] += 1
        }
    }

    private func begin() {
        let now = Clock.monotonicNanoseconds
        phase = .warmup
        deadline = now + UInt64(nanosecondsIn: plan.warmupSeconds)
        shownNanoseconds = now
        if plan.asksOnce { advance(at: now) }
        for index in slots.indices where slots[index].connection.isConnected {
            openCount += 1
            armReceive(index)
            perform(slots[index].connection.begin(at: now), index)
            if plan.asksOnce { perform(slots[index].connection.stop(at: now), index) }
        }
    }

    private func turn() throws(RingError) {
        try ring.submitAndWait()
        let now = Clock.monotonicNanoseconds
        if now >= deadline { advance(at: now) }
        ring.forEachCompletion { handle($0) }
        rearmReceives()
    }

    private func advance(at now: UInt64) {
        switch phase {
        case .warmup:
            phase = .measuring
            deadline = now + UInt64(nanosecondsIn: plan.durationSeconds)
            window = MeasuredWindow(at: now, observedProcess: isFirst ? observedProcess : nil)
        case .measuring:
            closeWindow(at: now)
            phase = .draining
            deadline = now + UInt64(nanosecondsIn: plan.drainTimeoutSeconds)
            for index in slots.indices { perform(slots[index].connection.stop(at: now), index) }
        case .connecting, .draining:
            break
        }
    }

    private func closeWindow(at now: UInt64) {
        window?.close(at: now, into: &tally, readsProcessorClocks: isFirst)
        window = nil
    }

    /// Takes back every operation, so that the kernel holds none of our memory, and closes the connections.
    private func end() throws(RingError) {
        for slot in slots where slot.descriptor >= 0 { shutdown(slot.descriptor, Int32(SHUT_RDWR)) }
        ring.cancelAll(userData: LoadToken(.cancel).userData)
        operationsInFlight += 1
        while operationsInFlight > 0 {
            try ring.submitAndWait()
            ring.forEachCompletion { completion in
                if completion.isFinal { operationsInFlight -= 1 }
                _ = receiver.withBytes(of: completion) { _ in }
            }
        }
        for slot in slots where slot.descriptor >= 0 { close(slot.descriptor) }
    }

    /// Wakes the thread from time to time, and when the phase ends.
    func armTick(at now: UInt64) {
        let interval: UInt64 = 100_000_000
        let next = deadline > now ? min(deadline, now + interval) : now + interval
        ring.timeout(atMonotonicNanoseconds: next, userData: LoadToken(.tick).userData)
        operationsInFlight += 1
    }

    func tick() {
        let now = Clock.monotonicNanoseconds
        control.addRequests(tally.totalRequestCount - reportedRequestCount)
        reportedRequestCount = tally.totalRequestCount
        if isFirst { showProgress(at: now) }
        armTick(at: now)
    }

    private func showProgress(at now: UInt64) {
        let text: String
        switch phase {
        case .connecting:
            text = "connecting: \(slots.count { $0.connection.isConnected }) of \(slots.count)"
        case .measuring where plan.asksOnce, .draining:
            text = "waiting for the last answers: \(Format.count(openCount, "connection"))"
        case .warmup, .measuring:
            let requestCount = control.requestCount
            let rate = Double(requestCount - shownRequestCount) / (Double(now - shownNanoseconds) / 1e9)
            shownRequestCount = requestCount
            shownNanoseconds = now
            let left = Double(deadline - min(now, deadline)) / 1e9
            text =
                "\(phase == .warmup ? "warming up" : "measuring"): \(Format.decimal(left, places: 1)) s left, "
                + "\(Format.grouped(rate)) requests/s"
        }
        progress.show(text)
    }
}

/// Where the bytes that come back are put until they are verified: a buffer group that all connections of a thread
/// share, so that a connection that waits holds no memory.
final class LoadReceiver {
    private let buffers: ProvidedBufferRing
    private let ringPool: RingPool

    /// Enough buffers for what every connection awaits, up to 1 MiB each and 64 MiB in all; beyond that, receives take
    /// turns.
    init(
        ring: borrowing Ring, answerByteCount: Int, pipeline: Int, connectionCount: Int
    ) throws(RingError) {
        let (inFlight, overflows) = answerByteCount.multipliedReportingOverflow(by: pipeline)
        let bufferByteCount = Self.powerOfTwo(atLeast: overflows ? .max : inFlight, within: 4 << 10...64 << 10)
        let buffersPerConnection = overflows ? 16 : min(16, 1 + inFlight / bufferByteCount)
        let bufferCount = Self.powerOfTwo(
            atLeast: connectionCount * buffersPerConnection, within: 16...(64 << 20) / bufferByteCount)
        let pool = BufferPool.builder()
            .numShards(1).tlsCacheSize(min(bufferCount, 256)).tlsCacheByteCount(.max).maxBuffersPerShard(bufferCount)
            .build()
        // Provided buffers are written by plain receives: to register them would lock memory for nothing.
        ringPool = try RingPool(ring: ring, pool: pool, shard: 0, registersBuffers: false)
        buffers = try Self.makeBuffers(ringPool, count: bufferCount, byteCount: bufferByteCount)
    }

    /// The group's entries count as locked memory: where that is short, half of them, and half again, do as well.
    private static func makeBuffers(
        _ ringPool: borrowing RingPool, count: Int, byteCount: Int
    ) throws(RingError) -> ProvidedBufferRing {
        do {
            return try ringPool.makeBufferRing(group: 0, entryCount: count, bufferByteCount: byteCount)
        } catch {
            guard error.errno == ENOMEM, count > 16 else { throw error }
            return try makeBuffers(ringPool, count: count / 2, byteCount: byteCount)
        }
    }

    /// The group for `Ring.receiveMultishot`.
    var group: UInt16 { buffers.group }

    /// Gives `body` the bytes of this completion, then their buffer back to the kernel.
    func withBytes<Result>(of completion: Completion, _ body: (RawSpan) -> Result) -> Result? {
        guard let lease = buffers.take(completion) else { return nil }
        return body(lease.bytes)
    }

    /// Puts buffers in the place of those that were taken; once a turn of the loop.
    func refill() {
        buffers.refill()
    }

    private static func powerOfTwo(atLeast value: Int, within range: ClosedRange<Int>) -> Int {
        var power = range.lowerBound
        while power < value, power < range.upperBound { power *= 2 }
        return power
    }
}
