/// One connection of the closed loop, without its socket: events in, actions out.
///
/// It keeps `pipeline` messages of `messageByteCount` bytes in flight: a message is in flight from the moment its first
/// byte is handed to the kernel until its last byte came back. Sending and receiving are independent (a server may echo
/// the start of a message of which the rest is not sent yet), but one send at a time is in flight, because two on one
/// socket may swap. Messages that may start together leave in one send.
///
/// What holds between events:
/// - `receivedByteCount <= submittedByteCount`
/// - `sendingByteCount <= submittedByteCount`; both count the send in flight in full
/// - `startedMessageCount - completedMessageCount <= pipeline`
struct LoadConnection {
    enum Action: Equatable {
        case none
        /// Send this part of the connection's stream.
        case send(offset: Int, byteCount: Int)
        /// After `stop()`: everything sent came back. Nothing is in flight on the sending side.
        case drained
        case lost(Loss)
    }

    enum Loss: Equatable {
        case closedByServer
        case failed(errno: Int32)
        /// The server sent more than it had received.
        case surplus(offset: Int)
    }

    private enum State { case connecting, connected, open, stopping, ended }

    private let messageByteCount: Int
    private let pipeline: Int
    private var state = State.connecting
    private var submittedByteCount = 0
    private var sendingByteCount = 0
    private(set) var receivedByteCount = 0
    private(set) var completedMessageCount = 0
    private var startedMessageCount = 0
    /// When the messages in flight started: message `m` at index `m % pipeline`.
    private var startNanoseconds: [UInt64]

    init(messageByteCount: Int, pipeline: Int) {
        precondition(messageByteCount > 0 && pipeline > 0)
        self.messageByteCount = messageByteCount
        self.pipeline = pipeline
        startNanoseconds = Array(repeating: 0, count: pipeline)
    }

    var isConnecting: Bool { state == .connecting }
    var isConnected: Bool { state == .connected }
    var isEnded: Bool { state == .ended }
    /// Something was sent that has not come back.
    var isOwedBytes: Bool { receivedByteCount < submittedByteCount }

    /// The connection stands, and waits for the others.
    mutating func connected() {
        assert(state == .connecting)
        state = .connected
    }

    /// The loop begins.
    mutating func begin(at now: UInt64) -> Action {
        guard state == .connected else { return .none }
        state = .open
        return nextAction(at: now)
    }

    /// The send in flight has ended: `result` is its byte count, or a negative errno.
    mutating func sent(_ result: Int32, at now: UInt64) -> Action {
        guard state != .ended else { return .none }
        guard result >= 0 else { return end(.failed(errno: -result)) }
        assert(result <= sendingByteCount)
        submittedByteCount -= sendingByteCount - Int(result)
        sendingByteCount = 0
        return nextAction(at: now)
    }

    /// `byteCount` further bytes came back.
    /// - Parameter completed: is given the latency of each message that they complete, in nanoseconds.
    mutating func received(_ byteCount: Int, at now: UInt64, completed: (UInt64) -> Void) -> Action {
        guard state != .ended else { return .none }
        guard receivedByteCount + byteCount <= submittedByteCount else {
            return end(.surplus(offset: submittedByteCount))
        }
        receivedByteCount += byteCount
        while (completedMessageCount + 1) * messageByteCount <= receivedByteCount {
            completed(now &- startNanoseconds[completedMessageCount % pipeline])
            completedMessageCount += 1
        }
        return nextAction(at: now)
    }

    /// The receiving side has ended: 0 for the end of the stream, else a negative errno.
    mutating func receiveEnded(_ result: Int32) -> Action {
        guard state != .ended else { return .none }
        return end(result == 0 ? .closedByServer : .failed(errno: -result))
    }

    /// Starts no further message; what has been started is completed.
    mutating func stop(at now: UInt64) -> Action {
        guard state == .open else { return .none }
        state = .stopping
        return nextAction(at: now)
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
            guard state == .stopping, !isOwedBytes else { return .none }
            state = .ended
            return .drained
        }
        let offset = submittedByteCount
        sendingByteCount = min(unsentByteCount, BytePattern.longestRunByteCount)
        submittedByteCount += sendingByteCount
        while startedMessageCount * messageByteCount < submittedByteCount {
            startNanoseconds[startedMessageCount % pipeline] = now
            startedMessageCount += 1
        }
        return .send(offset: offset, byteCount: sendingByteCount)
    }
}
