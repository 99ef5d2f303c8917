/// One connection of the closed loop, without its socket: events in, actions out.
///
/// It keeps `pipeline` messages of `messageByteCount` bytes in flight: a message is in flight from the moment its first
/// byte is handed to the kernel until its answer is complete. Sending and receiving are independent (a server may echo
/// the start of a message of which the rest is not sent yet), but one send at a time is in flight, because two on one
/// socket may swap. Messages that may start together leave in one send.
///
/// A server may say that an answer is the last on its connection. Then the socket is closed, once nothing is under way on it,
/// and another connected; what was not answered is sent again, and the time counts until it is.
///
/// What holds between events:
/// - `sendingByteCount <= submittedByteCount`; both count the send in flight in full
/// - `completedMessageCount <= startedMessageCount <= completedMessageCount + pipeline`
struct LoadConnection {
    enum Action: Equatable {
        case none
        /// Send this part of the connection's stream.
        case send(offset: Int, byteCount: Int)
        /// End what is under way on the socket.
        case shutdown
        /// Nothing is under way on the socket: close it, connect another, and go on with `reopened()`.
        case reconnect
        /// After `stop()`: everything sent was answered. Nothing is in flight on the sending side.
        case drained
        case lost(Loss)
    }

    enum Loss: Equatable {
        case closedByServer
        case failed(errno: Int32)
    }

    private enum State { case connecting, connected, open, stopping, closing, reconnecting, ended }

    private let messageByteCount: Int
    private let pipeline: Int
    private let longestRunByteCount: Int
    private var state = State.connecting
    private var submittedByteCount = 0
    private var sendingByteCount = 0
    /// Whether a receive is armed, or about to be.
    private var isReceiving = false
    private(set) var completedMessageCount = 0
    private var startedMessageCount = 0
    /// When the messages in flight started: message `m` at index `m % pipeline`.
    private var startNanoseconds: [UInt64]
    /// When it was told that the connection would close.
    private var closedNanoseconds: UInt64 = 0

    /// - Parameter longestRunByteCount: The most bytes of one send.
    init(messageByteCount: Int, pipeline: Int, longestRunByteCount: Int) {
        precondition(messageByteCount > 0 && pipeline > 0 && longestRunByteCount > 0)
        self.messageByteCount = messageByteCount
        self.pipeline = pipeline
        self.longestRunByteCount = longestRunByteCount
        startNanoseconds = Array(repeating: 0, count: pipeline)
    }

    var isConnecting: Bool { state == .connecting }
    var isConnected: Bool { state == .connected }
    var isClosing: Bool { state == .closing }
    var isReconnecting: Bool { state == .reconnecting }
    var isEnded: Bool { state == .ended }
    /// Bytes of its stream that were handed to the kernel, and so may be answered; nil when nothing is expected any more.
    var answerableByteCount: Int? { state == .ended ? nil : submittedByteCount }
    /// Something was sent that is not answered.
    var isOwedAnswers: Bool { completedMessageCount < startedMessageCount }

    /// The connection stands, and waits for the others.
    mutating func connected() {
        assert(state == .connecting)
        state = .connected
    }

    /// The loop begins, and with it a receive.
    mutating func begin(at now: UInt64) -> Action {
        guard state == .connected else { return .none }
        state = .open
        isReceiving = true
        return nextAction(at: now)
    }

    /// The send in flight has ended: `result` is its byte count, or a negative errno.
    mutating func sent(_ result: Int32, at now: UInt64) -> Action {
        guard state == .open || state == .stopping else {
            sendingByteCount = 0
            return reconnectWhenIdle()
        }
        guard result >= 0 else { return end(.failed(errno: -result)) }
        assert(result <= sendingByteCount)
        submittedByteCount -= sendingByteCount - Int(result)
        sendingByteCount = 0
        return nextAction(at: now)
    }

    /// So many messages were answered: the longest in flight.
    /// - Parameters:
    ///   - isLast: The server closes after it.
    ///   - completed: is given the latency of each, in nanoseconds.
    mutating func answered(_ count: Int, isLast: Bool, at now: UInt64, completed: (UInt64) -> Void) -> Action {
        guard state == .open || state == .stopping else { return .none }
        assert(completedMessageCount + count <= startedMessageCount)
        for _ in 0..<count {
            completed(now &- startNanoseconds[completedMessageCount % pipeline])
            completedMessageCount += 1
        }
        guard isLast else { return nextAction(at: now) }
        guard state == .open else {
            state = .ended
            return .drained
        }
        state = .closing
        closedNanoseconds = now
        return .shutdown
    }

    /// The receiving side has ended: 0 for the end of the stream, else a negative errno.
    mutating func receiveEnded(_ result: Int32) -> Action {
        isReceiving = false
        guard state == .open || state == .stopping else { return reconnectWhenIdle() }
        return end(result == 0 ? .closedByServer : .failed(errno: -result))
    }

    private mutating func reconnectWhenIdle() -> Action {
        guard state == .closing, !isReceiving, sendingByteCount == 0 else { return .none }
        state = .reconnecting
        startedMessageCount = completedMessageCount
        submittedByteCount = completedMessageCount * messageByteCount
        return .reconnect
    }

    /// The connection stands again, and a receive begins.
    mutating func reopened() -> Action {
        guard state == .reconnecting else { return .none }
        state = .open
        isReceiving = true
        return nextAction(at: closedNanoseconds)
    }

    /// Starts no further message; what has been started is completed.
    mutating func stop(at now: UInt64) -> Action {
        switch state {
        case .open:
            state = .stopping
            return nextAction(at: now)
        case .closing, .reconnecting:
            state = .ended
            return .drained
        case .connecting, .connected, .stopping, .ended:
            return .none
        }
    }

    /// Expects nothing more: what comes later changes nothing.
    mutating func abandon() {
        state = .ended
    }

    private mutating func end(_ loss: Loss) -> Action {
        state = .ended
        return .lost(loss)
    }

    private mutating func nextAction(at now: UInt64) -> Action {
        guard sendingByteCount == 0 else { return .none }
        let messageCount = state == .stopping ? startedMessageCount : completedMessageCount + pipeline
        let unsentByteCount = messageCount * messageByteCount - submittedByteCount
        guard unsentByteCount > 0 else {
            guard state == .stopping, !isOwedAnswers else { return .none }
            state = .ended
            return .drained
        }
        let offset = submittedByteCount
        sendingByteCount = min(unsentByteCount, longestRunByteCount)
        submittedByteCount += sendingByteCount
        while startedMessageCount * messageByteCount < submittedByteCount {
            startNanoseconds[startedMessageCount % pipeline] = now
            startedMessageCount += 1
        }
        return .send(offset: offset, byteCount: sendingByteCount)
    }
}

/// A connection of a thread, with its socket.
struct LoadSlot {
    var descriptor: Int32 = -1
    /// The number that the exchange knows it by: different in every thread.
    let number: Int
    var connection: LoadConnection
}

/// What a completion is about: an operation, and the thread's connection that it belongs to. 64 bits of user data.
struct LoadToken {
    enum Operation: UInt64 {
        case connect, receive, send, tick, cancel
    }

    let userData: UInt64

    init(_ operation: Operation, connection index: Int = 0) {
        userData = operation.rawValue << 32 | UInt64(index)
    }

    init(userData: UInt64) {
        self.userData = userData
    }

    var operation: Operation { Operation(rawValue: userData >> 32)! }
    var index: Int { Int(userData & 0xffff_ffff) }
}
