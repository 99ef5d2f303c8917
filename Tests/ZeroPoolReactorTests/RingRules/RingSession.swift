import Glibc
import Testing
import ZeroPool
import ZeroPoolURing

@testable import ZeroPoolReactor

/// A rule's scenario: the test plays the reactor's part here, by hand, and has the peers do theirs.
///
/// Two of the ring's timers are the session's own: `drain` ends a scenario that gets stuck, `idle` lets a moment pass. So a
/// scenario takes virtual time on the simulated ring, and as much as it takes on the kernel's.
final class RingSession {
    /// Far beyond what anything here takes, also on a slow machine under a sanitizer.
    private static let limitSeconds = 30.0
    /// In which what is not to happen would, most likely. Nothing that is to happen must happen in it.
    private static let momentSeconds = 0.01

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// What a peer got until `byteCount` bytes were there, or the end.
    struct Reading: Equatable {
        var byteCount = 0
        /// `.endOfStream` or `.reset`; nil where nothing ended.
        var end: SimulatedPeer.Read?
    }

    let world: any RingWorld
    /// What is sent comes from here, unless it has to be registered memory: a ring's buffers may all wait for bytes.
    private let sendPool = BufferPool.builder().numShards(1).tlsCacheSize(0).build()
    private var events: [ObservedEvent] = []
    private var leases: [ConnectionNumber: [LeaseBox]] = [:]
    private var peers: [any RingPeer] = []
    /// Who has connected and was not accepted yet: the kernel keeps their order.
    private var newcomers: [any RingPeer] = []
    private var peersByNumber: [ConnectionNumber: any RingPeer] = [:]
    private var receivedByteCounts: [ConnectionNumber: Int] = [:]
    private var sentByteCounts: [ConnectionNumber: Int] = [:]
    private var isAccepting = false
    private var isEnded = false
    private var failure: Failure?

    init(_ world: any RingWorld) { self.world = world }

    var ring: any ReactorRing { world.ring }

    func begin() throws { ring.setTimer(.drain, seconds: RingSession.limitSeconds) }

    /// Ends the ring, unless the scenario did. Peers go first: what was sent to them without a copy is then done.
    func end() {
        for peer in peers { peer.reset() }
        leases = [:]
        close()
    }

    func close() {
        guard !isEnded else { return }
        isEnded = true
        ring.close()
        world.dropRing()
    }

    func abandon() {
        isEnded = true
        ring.abandon()
        world.keepAbandonedRing()
    }

    /// Leases that anybody has.
    var leasedBufferCount: Int { world.pool.leasedBufferCount + sendPool.leasedBufferCount }

    func checkRules() throws {
        if let failure { throw failure }
        if let violation = world.violation { throw Failure(description: "a rule was broken: \(violation)") }
        for peer in peers where peer.hasReadWrongBytes {
            throw Failure(description: "peer \(peer.id) read other bytes than were sent")
        }
    }

    // MARK: Peers

    func connect(from address: UInt8 = 1) throws -> any RingPeer {
        let peer = try world.connect(from: address)
        peers.append(peer)
        newcomers.append(peer)
        return peer
    }

    func armAccept() {
        isAccepting = true
        ring.armAccept()
    }

    /// A peer connects and is accepted.
    func accepted(from address: UInt8 = 1) throws -> (number: ConnectionNumber, peer: any RingPeer) {
        if !isAccepting { armAccept() }
        let peer = try connect(from: address)
        guard case .accepted(let number)? = try next(1).first else {
            throw Failure(description: "a connection was not accepted")
        }
        return (number, peer)
    }

    /// A peer that nothing else is done with connects and is accepted.
    func acceptedNumber() throws -> ConnectionNumber { try accepted().number }

    /// Sends all of it, however little room there is: the ring goes on meanwhile.
    func send(_ byteCount: Int, by peer: any RingPeer) throws {
        var rest = byteCount
        while rest > 0 {
            guard let count = peer.send(rest) else { throw Failure(description: "a peer can't send any more") }
            rest -= count
            if count == 0 { try passMoment() }
        }
    }

    /// Reads until there were `byteCount` bytes, or until the end; the ring goes on meanwhile.
    func read(_ byteCount: Int = .max, by peer: any RingPeer) throws -> Reading {
        var reading = Reading()
        while reading.byteCount < byteCount {
            switch peer.read(byteCount - reading.byteCount) {
            case .bytes(let count): reading.byteCount += count
            case .nothing: try passMoment()
            case let end:
                reading.end = end
                return reading
            }
        }
        return reading
    }

    // MARK: Operations

    /// Sends the next `byteCount` bytes of the connection's stream, behind `skipped` others in their lease.
    func send(
        _ byteCount: Int, to number: ConnectionNumber, skipping skipped: Int = 0, mayZeroCopy: Bool = false
    ) throws {
        let pool = mayZeroCopy ? world.pool : sendPool
        guard var lease = pool.tryGet(skipped + byteCount), let peer = peersByNumber[number] else {
            throw Failure(description: "there is no buffer to send, or nobody to send to")
        }
        let offset = sentByteCounts[number, default: 0]
        unsafe lease.withUnsafeMutableBytes { bytes in
            StreamPattern.copy(
                peer.id, from: offset, to: UnsafeMutableRawBufferPointer(rebasing: bytes[skipped..<skipped + byteCount])
            )
        }
        unsafe lease.setCount(skipped + byteCount)
        ring.send(lease, from: skipped, to: number, mayZeroCopy: mayZeroCopy)
    }

    /// Leases that came in, and were not released.
    func leaseCount(of number: ConnectionNumber) -> Int { leases[number]?.count ?? 0 }

    /// What came in is done with.
    func releaseLeases() { leases = [:] }

    // MARK: Events

    /// The next events, of which there must come as many; more may have come with them.
    func next(_ count: Int) throws -> [ObservedEvent] { try until { $0.count >= count } }

    /// The next event; others may have come with it.
    func nextOne() throws -> ObservedEvent? { try next(1).first }

    /// What has come until `isEnough`.
    func until(_ isEnough: ([ObservedEvent]) -> Bool) throws -> [ObservedEvent] {
        while !isEnough(events) { try turn() }
        return take()
    }

    /// What has come until the connection's receive has ended, with it.
    func untilReceiveEnded(_ number: ConnectionNumber) throws -> [ObservedEvent] {
        try until { $0.contains { $0.isReceiveEnd(of: number) } }
    }

    /// What comes in a moment: nothing, where nothing is to come.
    func moment() throws -> [ObservedEvent] {
        try passMoment()
        return take()
    }

    /// What has come by now, without waiting.
    func poll() throws -> [ObservedEvent] {
        try ring.wait(isPolling: true)
        try takeIn()
        return take()
    }

    private func take() -> [ObservedEvent] {
        defer { events = [] }
        return events
    }

    private func passMoment() throws {
        ring.setTimer(.idle, seconds: RingSession.momentSeconds)
        while !events.contains(.timer(.idle)) { try turn() }
        events.removeAll { $0 == .timer(.idle) }
    }

    private func turn() throws {
        do {
            try ring.wait(isPolling: false)
        } catch {
            try checkRules()
            throw error
        }
        try takeIn()
    }

    private func takeIn() throws {
        ring.forEachEvent { event in events.append(observe(event)) }
        try checkRules()
        if events.contains(.timer(.drain)) {
            throw Failure(description: "stuck with \(events.filter { $0 != .timer(.drain) })")
        }
    }

    /// Checks and keeps leases, and says what is left of the event.
    private func observe(_ event: consuming ReactorEvent) -> ObservedEvent {
        switch consume event {
        case .accepted(let number):
            peersByNumber[number] = newcomers.isEmpty ? nil : newcomers.removeFirst()
            (receivedByteCounts[number], sentByteCounts[number]) = (0, 0)
            return .accepted(number)
        case .acceptEnded(let errno):
            isAccepting = false
            // It was accepted and dropped.
            if errno == ENFILE, !newcomers.isEmpty { newcomers.removeFirst() }
            return .acceptEnded(errno: errno)
        case .identified(let number, let address): return .identified(number, address)
        case .received(let number, let lease):
            let byteCount = lease.count
            keep(LeaseBox(lease), of: number, byteCount: byteCount)
            return .received(number, byteCount: byteCount)
        case .receiveEnded(let number, let errno, let isEndOfStream):
            return .receiveEnded(number, errno: errno, isEndOfStream: isEndOfStream)
        case .sent(let number, let lease, let byteCount):
            sentByteCounts[number, default: 0] += byteCount
            return .sent(number, byteCount: byteCount, hasLease: ObservedEvent.isThere(lease))
        case .sendFailed(let number, let lease, let errno):
            return .sendFailed(number, errno: errno, hasLease: ObservedEvent.isThere(lease))
        case .halfClosed(let number): return .halfClosed(number)
        case .released(let lease, let wasCopied, let number):
            if !ObservedEvent.isThere(lease) { failure = Failure(description: "a release without its lease") }
            return .released(number, wasCopied: wasCopied)
        case .completed(let token, let outcome):
            let result = outcome.result
            if let status = outcome.status { self.status = status }
            if let lease = outcome.takeLease() {
                readBytes = Array(copying: lease)
                reads.append((token, readBytes))
            }
            return .completed(token, result: result)
        case .woken: return .woken
        case .timer(let timer): return .timer(timer)
        }
    }

    // MARK: Files

    /// What the last open or status found, and the last read brought.
    private(set) var status: FileStatus?
    private(set) var readBytes: [UInt8] = []
    private var operationCount: UInt32 = 0

    func perform(_ operation: consuming RingOperation) -> OperationToken {
        // Each in a slot of its own.
        let token = OperationToken(index: operationCount, generation: 0)
        operationCount += 1
        ring.perform(operation, token: token)
        return token
    }

    /// The result of an operation that nothing else goes on beside.
    func result(of operation: consuming RingOperation) throws -> Int32 {
        let token = perform(operation)
        guard case .completed(token, let result)? = try next(1).first else {
            throw Failure(description: "an operation did not complete")
        }
        return result
    }

    /// Opens a file for reading. - Returns: its descriptor, or a negative `errno`.
    func open(_ path: String) throws -> Int32 {
        try result(
            of: .open(
                path: Array(path.utf8), directory: world.rootDescriptor, flags: OpenOptions.read.flags, mode: 0,
                resolution: [.beneath, .noMagicLinks]))
    }

    /// Reads behind `kept` bytes of a buffer. - Returns: the byte count, or a negative `errno`.
    func read(_ byteCount: Int, at offset: Int, of file: Int32, keeping kept: Int = 0) throws -> Int32 {
        guard var buffer = ring.takeBuffer(kept + byteCount) else { throw Failure(description: "there is no buffer") }
        buffer.append(copying: [UInt8](repeating: 7, count: kept).span.bytes)
        return try result(of: .read(buffer, byteCount: byteCount, file: file, offset: offset))
    }

    private var reads: [(OperationToken, [UInt8])] = []

    /// The reads that complete next, and what they brought.
    func nextReads() throws -> [(OperationToken, [UInt8])] {
        reads = []
        _ = try next(1)
        return reads
    }

    func isSame(_ file: Int32, as before: FileStatus?) throws -> Bool {
        try #require(try result(of: .status(file)) >= 0)
        return status == before
    }

    private func keep(_ box: LeaseBox, of number: ConnectionNumber, byteCount: Int) {
        let offset = receivedByteCounts[number, default: 0]
        let isRight = peersByNumber[number].map { box.holds($0.id, from: offset, range: 0..<byteCount) } ?? false
        if !isRight { failure = Failure(description: "connection \(number) got other bytes than were sent") }
        receivedByteCounts[number] = offset + byteCount
        leases[number, default: []].append(box)
    }
}

extension ObservedEvent {
    func isReceiveEnd(of number: ConnectionNumber) -> Bool {
        if case .receiveEnded(number, _, _) = self { true } else { false }
    }
}

extension [ObservedEvent] {
    /// As many bytes as came in on the connection.
    func receivedByteCount(of number: ConnectionNumber) -> Int {
        reduce(0) { sum, event in
            if case .received(number, let byteCount) = event { sum + byteCount } else { sum }
        }
    }

    /// As many buffers as came in on the connection.
    func receivedCount(of number: ConnectionNumber) -> Int {
        count { if case .received(number, _) = $0 { true } else { false } }
    }
}
