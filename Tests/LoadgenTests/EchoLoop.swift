@testable import loadgen

/// One connection of an echo, without its socket: the loop, and the reader of what comes back, which is always right.
struct EchoLoop {
    private(set) var connection: LoadConnection
    private var answers: EchoAnswers
    private var receivedByteCount = 0

    init(messageByteCount: Int, pipeline: Int) {
        let exchange = EchoExchange(messageByteCount: messageByteCount)
        connection = LoadConnection(
            messageByteCount: messageByteCount, pipeline: pipeline, longestRunByteCount: exchange.longestRunByteCount)
        answers = exchange.answers(onConnection: 0)
    }

    /// The loop begins at time 100.
    mutating func begin() -> LoadConnection.Action {
        connection.connected()
        return connection.begin(at: 100)
    }

    mutating func sent(_ result: Int32, at now: UInt64) -> LoadConnection.Action { connection.sent(result, at: now) }
    mutating func receiveEnded(_ result: Int32) -> LoadConnection.Action { connection.receiveEnded(result) }
    mutating func stop(at now: UInt64) -> LoadConnection.Action { connection.stop(at: now) }

    /// So many further bytes came back.
    mutating func received(
        _ byteCount: Int, at now: UInt64, completed: (UInt64) -> Void
    ) -> LoadConnection.Action {
        guard let answerableByteCount = connection.answerableByteCount else { return .none }
        var answerCount = 0
        var rest = byteCount
        while rest > 0 {
            let piece = min(rest, BytePattern.longestRunByteCount)
            let bytes = Array(BytePattern.shared.run(connection: 0, offset: receivedByteCount, byteCount: piece))
            let taken = answers.take(bytes.span.bytes, answerableByteCount: answerableByteCount)
            precondition(taken.fault == nil && taken.byteCount == piece, "\(taken)")
            answerCount += taken.answerCount
            receivedByteCount += piece
            rest -= piece
        }
        return connection.answered(answerCount, isLast: false, at: now, completed: completed)
    }
}
