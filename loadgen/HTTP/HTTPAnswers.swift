import HTTP1

/// The answers on one connection: counted by status, and verified where it is known what they have to be.
struct HTTPAnswers: AnswerReader {
    private let connection: Int
    private let requestByteCount: Int
    private let expected: ReferenceBody?
    private var stream = ResponseStream()
    /// Answers that are complete, on this connection and on those that it took the place of.
    private var answerCount = 0
    /// Of the answer that is coming.
    private var status = 0
    private var bodyByteCount = 0
    private var keepsAlive = true
    /// After the last answer, further bytes are ignored.
    private var isLast = false
    private(set) var statuses = StatusCounts()

    init(connection: Int, requestByteCount: Int, expected: ReferenceBody?) {
        self.connection = connection
        self.requestByteCount = requestByteCount
        self.expected = expected
    }

    /// Whose body is compared: those of other statuses are pages about the error.
    private var isVerified: Bool { expected != nil && status == 200 }

    mutating func take(_ bytes: RawSpan, answerableByteCount: Int) -> TakenAnswers {
        var taken = TakenAnswers()
        var offset = 0
        while !isLast {
            if stream.isAtStart, offset < bytes.byteCount, answerCount * requestByteCount >= answerableByteCount {
                taken.fault = .other("connection \(connection) got an answer that it had not asked for")
                return taken
            }
            switch stream.next(in: bytes, from: &offset) {
            case .incomplete:
                return taken
            case .malformed(let fault):
                taken.fault = .other("\(place) is not HTTP: \(fault.rawValue)")
                return taken
            case .head(let head):
                status = head.status
                bodyByteCount = 0
                keepsAlive = head.keepsAlive
                if isVerified, let expected, case .bytes(let count) = head.body, count != expected.byteCount {
                    taken.fault = wrongLength("\(count)", expected)
                    return taken
                }
            case .body(let range):
                if let fault = verify(bytes.extracting(range)) {
                    taken.fault = fault
                    return taken
                }
                bodyByteCount += range.count
                taken.byteCount += range.count
            case .end:
                if let fault = finish(&taken) {
                    taken.fault = fault
                    return taken
                }
            }
        }
        return taken
    }

    mutating func ended() -> TakenAnswers {
        var taken = TakenAnswers()
        guard !isLast, stream.ended() else { return taken }
        taken.fault = finish(&taken)
        return taken
    }

    mutating func reconnected() {
        stream = ResponseStream()
        isLast = false
    }

    /// An answer is complete.
    private mutating func finish(_ taken: inout TakenAnswers) -> AnswerFault? {
        if isVerified, let expected, bodyByteCount != expected.byteCount {
            return wrongLength("\(bodyByteCount)", expected)
        }
        statuses.count(status)
        answerCount += 1
        taken.answerCount += 1
        isLast = !keepsAlive
        taken.isLast = isLast
        return nil
    }

    private func verify(_ body: RawSpan) -> AnswerFault? {
        guard isVerified, let expected else { return nil }
        guard bodyByteCount + body.byteCount <= expected.byteCount else {
            return wrongLength("more than \(expected.byteCount)", expected)
        }
        guard let place = expected.firstDifference(from: body, at: bodyByteCount) else { return nil }
        return .mismatch(
            Mismatch(
                connection: connection, answer: answerCount, offset: bodyByteCount + place.offset,
                expected: place.expected, received: place.received))
    }

    private var place: String { "answer \(answerCount) on connection \(connection)" }

    private func wrongLength(_ count: String, _ expected: ReferenceBody) -> AnswerFault {
        .other("wrong length: \(place) has \(count) bytes, expected \(expected.byteCount)")
    }
}
