import Testing

@testable import loadgen

@Suite("Echoed bytes")
struct EchoAnswersTests {
    private func take(_ bytes: [UInt8], _ answers: inout EchoAnswers, submitted: Int) -> TakenAnswers {
        answers.take(bytes.span.bytes, answerableByteCount: submitted)
    }

    private func pattern(_ connection: Int, _ range: Range<Int>) -> [UInt8] {
        Array(BytePattern.shared.run(connection: connection, offset: range.lowerBound, byteCount: range.count))
    }

    @Test("Messages are complete with their last byte, however the bytes are cut")
    func completes() {
        var answers = EchoAnswers(connection: 3, messageByteCount: 100)
        #expect(take(pattern(3, 0..<99), &answers, submitted: 500) == TakenAnswers(byteCount: 99))
        #expect(take(pattern(3, 99..<100), &answers, submitted: 500) == TakenAnswers(answerCount: 1, byteCount: 1))
        #expect(take(pattern(3, 100..<350), &answers, submitted: 500) == TakenAnswers(answerCount: 2, byteCount: 250))
    }

    @Test("A wrong byte is named with its place in the stream")
    func mismatch() {
        var answers = EchoAnswers(connection: 3, messageByteCount: 100)
        _ = take(pattern(3, 0..<50), &answers, submitted: 500)
        var bytes = pattern(3, 50..<100)
        let expected = bytes[7]
        bytes[7] ^= 1
        let mismatch = Mismatch(connection: 3, offset: 57, expected: expected, received: expected ^ 1)
        #expect(take(bytes, &answers, submitted: 500) == TakenAnswers(fault: .mismatch(mismatch)))
    }

    @Test("Bytes that were never sent are a fault of the server, named with their place")
    func surplus() {
        var answers = EchoAnswers(connection: 3, messageByteCount: 512)
        let fault = take(pattern(3, 0..<513), &answers, submitted: 512).fault
        #expect(fault == .other("wrong bytes: connection 3 got more than it had sent, from byte 512 on"))
    }
}
