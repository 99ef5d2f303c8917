import Testing

@testable import loadgen

@Suite("Verified answers")
struct HTTPAnswersTests {
    private let body = "0123456789"

    /// What a connection makes of pieces, of which it had asked for so many answers.
    private func take(_ pieces: String..., asked: Int = 1, isVerified: Bool = true) -> (TakenAnswers, LoadTally) {
        let expected = isVerified ? ReferenceBody(copying: body.utf8) : nil
        var answers = HTTPAnswers(connection: 4, requestByteCount: 50, expected: expected)
        var sum = TakenAnswers()
        for piece in pieces where sum.fault == nil {
            let bytes = Array(piece.utf8)
            let taken = answers.take(bytes.span.bytes, answerableByteCount: 50 * asked)
            sum = TakenAnswers(
                answerCount: sum.answerCount + taken.answerCount, byteCount: sum.byteCount + taken.byteCount,
                isLast: sum.isLast || taken.isLast, fault: taken.fault)
        }
        var tally = LoadTally()
        tally.statuses = answers.statuses
        return (sum, tally)
    }

    private func answer(_ body: String, status: Int = 200, fields: String = "") -> String {
        "HTTP/1.1 \(status) X\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private func sentence(_ taken: TakenAnswers) -> String? {
        if case .other(let sentence)? = taken.fault { sentence } else { nil }
    }

    @Test("Right answers are counted, with their bytes and statuses")
    func right() {
        let (taken, tally) = take(answer(body) + answer(body), answer(body), asked: 3)
        #expect(taken == TakenAnswers(answerCount: 3, byteCount: 30))
        #expect(tally.statuses.counts.map { "\($0.status): \($0.count)" } == ["200: 3"])
    }

    @Test("A wrong byte is named with the answer and its place in the body")
    func mismatch() {
        let (taken, _) = take(answer(body), String(answer("01234X6789").dropLast(5)), "X6789", asked: 2)
        let mismatch = Mismatch(connection: 4, answer: 1, offset: 5, expected: 0x35, received: 0x58)
        #expect(taken.fault == .mismatch(mismatch))
        #expect("\(mismatch)" == "connection 4, byte 5 of the body of answer 1: expected 0x35, got 0x58")
    }

    @Test("A body of another length is an error, whether it is said before or not")
    func length() {
        #expect(sentence(take(answer("0")).0) == "wrong length: answer 0 on connection 4 has 1 bytes, expected 10")
        #expect(sentence(take(answer(body + "0")).0)?.contains("has 11 bytes, expected 10") == true)
        #expect(sentence(take(answer("")).0)?.contains("has 0 bytes, expected 10") == true)
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(take(chunked + "a\r\n0123456789\r\n0\r\n\r\n").0.answerCount == 1)
        #expect(sentence(take(chunked + "b\r\n0123456789x\r\n").0)?.contains("has more than 10 bytes") == true)
        #expect(sentence(take(chunked + "1\r\n0\r\n0\r\n\r\n").0)?.contains("has 1 bytes, expected 10") == true)
    }

    @Test("Bodies of other statuses are not compared, and none is where nothing is known")
    func unverified() {
        let (taken, tally) = take(answer("not found", status: 404))
        #expect(taken == TakenAnswers(answerCount: 1, byteCount: 9) && tally.statuses.counts.first?.status == 404)
        #expect(tally.problems.contains("1 answer with status 404, not 200"))
        #expect(take(answer("anything"), isVerified: false).0 == TakenAnswers(answerCount: 1, byteCount: 8))
    }

    @Test("After an answer that says so, nothing is heeded until the connection is made again")
    func last() {
        let (taken, _) = take(answer(body, fields: "Connection: close\r\n") + "garbage", "more", asked: 2)
        #expect(taken == TakenAnswers(answerCount: 1, byteCount: 10, isLast: true))
    }

    @Test("An answer that ends with the stream is complete then")
    func untilClose() {
        var answers = HTTPAnswers(connection: 0, requestByteCount: 50, expected: ReferenceBody(copying: body.utf8))
        let bytes = Array("HTTP/1.0 200 OK\r\n\r\n\(body)".utf8)
        #expect(answers.take(bytes.span.bytes, answerableByteCount: 50) == TakenAnswers(byteCount: 10))
        #expect(answers.ended() == TakenAnswers(answerCount: 1, isLast: true))
        #expect(answers.ended() == TakenAnswers())
    }

    @Test("An answer that nobody asked for, and what is no answer, are errors")
    func strangers() {
        #expect(sentence(take(answer(body) + answer(body)).0) == "connection 4 got an answer that it had not asked for")
        #expect(
            sentence(take("HTTP/1.1 200 OK\n").0)?.contains("on connection 4 is not HTTP: a line that") == true)
    }
}
