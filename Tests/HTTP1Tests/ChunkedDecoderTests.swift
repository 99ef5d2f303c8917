import Testing

@testable import HTTP1

@Suite("Chunked bodies")
struct ChunkedDecoderTests {
    private struct Decoded: Equatable {
        var data: [UInt8] = []
        /// Where the body ended, of all bytes.
        var end: Int?
        var isMalformed = false
    }

    /// Decodes bytes in pieces of a size.
    private func decode(_ text: String, pieceByteCount: Int) -> Decoded {
        var decoder = ChunkedDecoder()
        var decoded = Decoded()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieceByteCount) {
            let piece = Array(bytes[start..<min(start + pieceByteCount, bytes.count)])
            var offset = 0
            reading: while true {
                switch withSpan(piece, { decoder.next(in: $0, from: offset) }) {
                case .data(let range):
                    #expect(!range.isEmpty && range.lowerBound >= offset)
                    decoded.data += piece[range]
                    offset = range.upperBound
                case .incomplete:
                    break reading
                case .end(let end):
                    decoded.end = start + end
                    return decoded
                case .malformed:
                    decoded.isMalformed = true
                    return decoded
                }
            }
        }
        return decoded
    }

    /// In pieces of every size.
    private func decode(_ text: String) -> Decoded {
        let whole = decode(text, pieceByteCount: max(1, text.utf8.count))
        for byteCount in 1..<max(2, text.utf8.count) {
            #expect(
                decode(text, pieceByteCount: byteCount) == whole, "in pieces of \(byteCount): \(text.debugDescription)")
        }
        return whole
    }

    @Test("Data comes out, in whatever pieces, and what follows the body is left")
    func decodes() {
        let text =
            "5\r\nhello\r\n00d; x=\"y\"\r\n, chunked wor\r\n2 \t\r\nld\r\n0\r\nTrailer: 1\r\nX: y\r\n\r\nHTTP/1.1"
        let decoded = decode(text)
        #expect(String(decoding: decoded.data, as: UTF8.self) == "hello, chunked world")
        #expect(decoded.end == text.utf8.count - 8)
        #expect(decode("0\r\n\r\n") == Decoded(data: [], end: 5))
    }

    @Test(
        "A body that has not ended goes on",
        arguments: ["", "5", "5\r\nhell", "5\r\nhello\r\n", "0\r\n", "0\r\n\r", "0\r\nX: y\r\n", "a;"])
    func incomplete(text: String) {
        let decoded = decode(text)
        #expect(decoded.end == nil && !decoded.isMalformed)
    }

    @Test(
        "What is no chunk is malformed",
        arguments: [
            "\r\n", "g\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", ";x\r\n", "1\nx\n", "1\r\nxy\r\n", "1\r\nx\n",
            "1\r\nx\r\r\n", "1\rx",
            "1111111111111111\r\n", "0\r\n\n", "0\r\nX\n", "0\r\n\0\r\n", "1;\0\r\n", "0\r\n\r\r",
        ])
    func malformed(text: String) {
        #expect(decode(text).isMalformed)
    }

    @Test("Endless extensions and trailers are malformed")
    func endless() {
        for start in ["1;", "0\r\nX: "] {
            var decoder = ChunkedDecoder()
            let limit = ChunkedDecoder.maxOverheadByteCount
            let step = withSpan(start + String(repeating: "x", count: limit + 1)) { decoder.next(in: $0, from: 0) }
            #expect(step == .malformed)
        }
    }
}
