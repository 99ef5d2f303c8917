import Testing
@testable import loadgen

@Suite("Byte pattern")
struct BytePatternTests {
    private let pattern = BytePattern.shared

    private func stream(_ connection: Int, _ range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        var offset = range.lowerBound
        while offset < range.upperBound {
            let byteCount = min(range.upperBound - offset, BytePattern.longestRunByteCount)
            bytes += pattern.run(connection: connection, offset: offset, byteCount: byteCount)
            offset += byteCount
        }
        return bytes
    }

    private func mismatch(_ bytes: [UInt8], connection: Int, offset: Int) -> Mismatch? {
        bytes.withUnsafeBytes { bytes in
            pattern.firstMismatch(in: bytes, connection: connection, offset: offset)
        }
    }

    @Test("What was sent is accepted, at any chunking, across the end of the table and past the longest run")
    func acceptsItself() {
        let connection = 3
        let end = 12 * BytePattern.period
        let bytes = stream(connection, 0..<end)
        #expect(mismatch(bytes, connection: connection, offset: 0) == nil)
        var offset = 0
        for chunk in [1, 511, 65536, 70_001, BytePattern.longestRunByteCount, end] {
            let piece = Array(bytes[offset..<min(end, offset + chunk)])
            #expect(mismatch(piece, connection: connection, offset: offset) == nil, "chunk of \(chunk) at \(offset)")
            offset += piece.count
        }
        #expect(offset == end)
    }

    @Test("A run that starts at the last byte of the table goes on with the first")
    func wrapsAround() {
        let last = BytePattern.period - 1
        #expect(stream(0, last..<last + 4) == stream(0, last..<last + 1) + stream(0, 0..<3))
    }

    @Test("A flipped bit is found where it is, with both values", arguments: [0, 1, 511, 4095, 1_048_600])
    func findsFlip(position: Int) {
        var bytes = stream(7, 0..<1_100_000)
        bytes[position] ^= 0x01
        let expected = Mismatch(
            connection: 7, offset: 100 + position, expected: stream(7, 100 + position..<101 + position)[0],
            received: stream(7, 100 + position..<101 + position)[0] ^ 0x01)
        var shifted = stream(7, 100..<1_100_100)
        shifted[position] ^= 0x01
        #expect(mismatch(shifted, connection: 7, offset: 100) == expected)
        #expect(mismatch(bytes, connection: 7, offset: 0)?.offset == position)
    }

    @Test("Dropped, doubled and swapped bytes are found within a few bytes")
    func findsStructuralFaults() throws {
        let original = stream(0, 0..<4096)
        // Somewhere two neighbours differ; where they are alike, a swap is no fault.
        let position = try #require((1000..<2000).first { original[$0] != original[$0 + 1] })
        var dropped = original
        dropped.remove(at: position)
        var doubled = original
        doubled.insert(original[position], at: position)
        var swapped = original
        swapped.swapAt(position, position + 1)
        for (name, bytes) in [("dropped", dropped), ("doubled", doubled), ("swapped", swapped)] {
            let found = try #require(mismatch(bytes, connection: 0, offset: 0), "\(name)")
            #expect((position...position + 16).contains(found.offset), "\(name) found at \(found.offset)")
        }
    }

    @Test("Bytes of another connection, and of another place of the stream, are found at once")
    func findsStrangers() throws {
        for other in [0, 1, 2, 63, 64, 65, 999, 100_000] where other != 4 {
            let found = try #require(mismatch(stream(other, 0..<512), connection: 4, offset: 0), "connection \(other)")
            #expect(found.connection == 4 && found.offset < 16)
        }
        for offset in [512, 4096, 65536, 1 << 20, 10 << 20] {
            let found = try #require(mismatch(stream(4, offset..<offset + 512), connection: 4, offset: 0), "\(offset)")
            #expect(found.offset < 16)
        }
    }

    @Test("No byte value is missing or rare")
    func isEven() {
        var counts = [Int](repeating: 0, count: 256)
        for byte in stream(0, 0..<BytePattern.period) { counts[Int(byte)] += 1 }
        // 1,024 each on average; 10 standard deviations.
        #expect(counts.allSatisfy { (1024 - 320...1024 + 320).contains($0) })
    }

    @Test("A mismatch names connection, offset and both bytes")
    func describesMismatch() {
        let mismatch = Mismatch(connection: 12, offset: 4096, expected: 0x0a, received: 0xff)
        #expect("\(mismatch)" == "connection 12, byte 4096 of its stream: expected 0x0a, got 0xff")
    }
}

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
