/// Messages of the byte pattern, which come back as they went out.
struct EchoExchange: Exchange {
    let messageByteCount: Int

    var answerByteCount: Int { messageByteCount }
    var longestRunByteCount: Int { BytePattern.longestRunByteCount }

    func run(connection: Int, offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        unsafe BytePattern.shared.run(connection: connection, offset: offset, byteCount: byteCount)
    }

    func answers(onConnection number: Int) -> EchoAnswers {
        EchoAnswers(connection: number, messageByteCount: messageByteCount)
    }
}

/// The echo of one connection: compared with what was sent, byte by byte.
struct EchoAnswers: AnswerReader {
    private let connection: Int
    private let messageByteCount: Int
    private var receivedByteCount = 0
    private var answerCount = 0

    /// - Parameter connection: The number that the pattern knows it by.
    init(connection: Int, messageByteCount: Int) {
        self.connection = connection
        self.messageByteCount = messageByteCount
    }

    mutating func take(_ bytes: RawSpan, answerableByteCount: Int) -> TakenAnswers {
        let mismatch = unsafe bytes.withUnsafeBytes { bytes in
            unsafe BytePattern.shared.firstMismatch(in: bytes, connection: connection, offset: receivedByteCount)
        }
        if let mismatch { return TakenAnswers(fault: .mismatch(mismatch)) }
        guard receivedByteCount + bytes.byteCount <= answerableByteCount else {
            let sentence = "connection \(connection) got more than it had sent, from byte \(answerableByteCount) on"
            return TakenAnswers(fault: .other("wrong bytes: " + sentence))
        }
        receivedByteCount += bytes.byteCount
        var taken = TakenAnswers(byteCount: bytes.byteCount)
        while (answerCount + 1) * messageByteCount <= receivedByteCount {
            answerCount += 1
            taken.answerCount += 1
        }
        return taken
    }

    mutating func ended() -> TakenAnswers { TakenAnswers() }

    var statuses: StatusCounts { StatusCounts() }

    mutating func reconnected() { preconditionFailure("an echo server says nothing of closing") }
}
