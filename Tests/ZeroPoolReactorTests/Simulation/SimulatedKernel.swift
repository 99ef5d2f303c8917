import ZeroPool

@testable import ZeroPoolReactor
import TestSupport

/// The state of a simulated kernel and its network, in virtual time: listener, file table, buffers, what is noted, under
/// way and completed. What follows what stands in `SimulatedKernel+Rules.swift`.
final class SimulatedKernel {
    /// What it is like, faults aside.
    struct Parameters {
        /// Slots of the file table.
        var slotCount = 64
        /// As many buffers as the pool has: a power of two from 1 to 512.
        var bufferCount = 32
        /// As many buffers as wait for bytes at most.
        var providedBufferCount = 16
        /// As many bytes as go into one buffer at most: small, so that little data makes many buffers.
        var maxReceiveByteCount = 64 * 1024
        /// As many bytes as a connection's kernel holds unread, each way.
        var inboundCapacity = 128 * 1024
        var outboundCapacity = 128 * 1024
        /// Sends from here up go without a copy, where the reactor allows it; nil for none.
        var zeroCopyMinimumByteCount: Int?
        /// Whether zero-copy sends are copied after all, as on the loopback device: then they are released at once.
        var copiesZeroCopy = false
        /// What is to happen later happens at multiples of so many microseconds: the coarser, the more happens at once.
        var timeGrain = 1

        /// One huge page of buffers: the least that a pool maps.
        var bufferByteCount: Int { poolByteCount / bufferCount }
        let poolByteCount = 2 << 20
    }

    let parameters: Parameters
    var faults: FaultPlan
    var generator: SeededGenerator
    let trace: SimulationTrace
    let pool: BufferPool
    /// Microseconds since the start.
    var now = 0 {
        didSet { trace.now = now }
    }
    var timeline = Timeline()

    // Listening.
    var isListening = true
    /// Connections that nobody has accepted yet.
    var backlog: [SimulatedConnection] = []
    var acceptOperation: Int?
    /// Set while no connection can be accepted for want of a descriptor.
    var shortageErrno: Int32?
    var slots: [SimulatedConnection?]
    private var slotHint = 0

    // Buffers.
    var provided: [LeaseBox] = []
    /// Buffers in completions that the reactor has not seen: the ring counts them as available still.
    var unseenBufferCount = 0
    /// Whether memory was used since the last rest, or is still.
    var isAboveRest = false
    /// Leases that sends and notifications hold.
    var sendingLeaseCount = 0
    /// Leases that reads of files hold.
    var readingLeaseCount = 0
    /// Zero-copy sends whose memory was released, and of these, how many after their connection was closed.
    private(set) var releases = Releases()

    struct Releases {
        var count = 0
        var lateCount = 0

        static func += (sum: inout Releases, part: Releases) {
            sum.count += part.count
            sum.lateCount += part.lateCount
        }
    }

    func countRelease(of connection: SimulatedConnection) {
        releases.count += 1
        if connection.isClosedByServer { releases.lateCount += 1 }
    }

    // Operations.
    var noted: [NotedOperation] = []
    var completions: [Completion] = []
    /// Connections whose receives may go on, in the next wait.
    var ready: [SimulatedConnection] = []
    /// What goes on for no connection: how a cancellation ends it, where one can.
    var running: [OperationToken: () -> Void] = [:]
    private var operationCount = 0
    private var connectionCount = 0
    /// Every connection there ever was, by its id.
    private(set) var connections: [SimulatedConnection] = []

    init(parameters: Parameters, faults: FaultPlan, generator: SeededGenerator, trace: SimulationTrace) {
        precondition(
            (1...512).contains(parameters.bufferCount) && parameters.bufferCount.nonzeroBitCount == 1,
            "a pool of one huge page has 1, 2, 4 … 512 buffers")
        self.parameters = parameters
        self.faults = faults
        self.generator = generator
        // Without caches, so that the pool's own statistics say exactly how many leases are out.
        pool = BufferPool.builder().numShards(1).tlsCacheSize(0).maxByteCount(parameters.poolByteCount).build()
        self.trace = trace
        slots = Array(repeating: nil, count: parameters.slotCount)
        refill()
    }

    /// Leases that the kernel holds, or that wait for the reactor in completions.
    var leaseCount: Int { provided.count + unseenBufferCount + sendingLeaseCount + readingLeaseCount }

    func newOperation() -> Int {
        operationCount += 1
        return operationCount
    }

    func strikes(_ probability: Double) -> Bool { generator.chance(probability) }

    func after(_ microseconds: Int, _ action: @escaping () -> Void) {
        let grain = parameters.timeGrain
        timeline.add(at: (now + microseconds + grain - 1) / grain * grain, action)
    }

    // MARK: Buffers

    func refill() {
        while provided.count + unseenBufferCount < parameters.providedBufferCount,
            let lease = pool.tryGet(parameters.bufferByteCount)
        {
            provided.append(LeaseBox(lease))
        }
    }

    /// All that waited for bytes is back: few take its place.
    func endRest() {
        refill()
        isAboveRest = pool.leasedBufferCount > provided.count
    }

    // MARK: Completions

    func complete(_ operation: Int, _ event: PendingEvent) {
        completions.append(Completion(operation: operation, event: event))
    }

    var isCompletionQueueFull: Bool { completions.count >= faults.completionCapacity }

    /// Takes out what the reactor gets now: in the order of completion, or in any that keeps those of each operation.
    func takeCompletions() -> [Completion] {
        var count = completions.count
        if count > 1, strikes(faults.partialCompletion) { count = generator.integer(1, count) }
        guard faults.reordersEvents, count > 1 else {
            let batch = Array(completions.prefix(count))
            completions.removeFirst(count)
            return batch
        }
        var batch: [Completion] = []
        while batch.count < count {
            let operation = completions[generator.integer(0, completions.count - 1)].operation
            guard let index = completions.firstIndex(where: { $0.operation == operation }) else { break }
            batch.append(completions.remove(at: index))
        }
        return batch
    }

    // MARK: File table

    /// The kernel looks for a free slot from the last one on that was taken or freed.
    func takeFreeSlot(for connection: SimulatedConnection) -> Bool {
        for step in 0..<slots.count {
            let index = (slotHint + step) % slots.count
            guard slots[index] == nil else { continue }
            slots[index] = connection
            connection.slot = ConnectionNumber(index)
            slotHint = (index + 1) % slots.count
            return true
        }
        return false
    }

    func freeSlot(of connection: SimulatedConnection) {
        guard let slot = connection.slot else { return }
        slots[Int(slot)] = nil
        slotHint = Int(slot)
        connection.slot = nil
    }

    // MARK: Connections

    /// A peer connects.
    func connect(from address: PeerAddress) -> SimulatedConnection {
        let connection = SimulatedConnection(
            id: connectionCount, address: address, inboundCapacity: parameters.inboundCapacity,
            outboundCapacity: parameters.outboundCapacity)
        connectionCount += 1
        connections.append(connection)
        trace.note("a peer connects", connection.id)
        if isListening {
            backlog.append(connection)
            advanceAccept()
        } else {
            resetForPeer(connection)
        }
        return connection
    }

    // MARK: End

    /// What was noted still starts; then nothing is under way any more, and every lease goes home.
    func end() {
        faults = FaultPlan()
        startNoted()
        timeline.removeAll()
        provided = []
        unseenBufferCount = 0
        completions = []
        ready = []
        sendingLeaseCount = 0
        readingLeaseCount = 0
        running = [:]
        for connection in connections {
            connection.notifications = []
            (connection.receive, connection.send) = (nil, nil)
            (connection.onReadable, connection.onRoom) = (nil, nil)
        }
    }
}
