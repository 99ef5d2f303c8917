import Testing

@testable import HTTP1

@Suite("Limits of a head")
struct HeadLimitTests {
    private let limits = HeadLimits(headByteCount: 100, targetByteCount: 40)

    /// A head of so many bytes.
    private func head(byteCount: Int) -> [UInt8] {
        let rest = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
        let text = rest.replacing("X: ", with: "X: " + String(repeating: "x", count: byteCount - rest.utf8.count))
        return Array(text.utf8)
    }

    /// In every way of arriving that matters.
    private func outcome(_ bytes: [UInt8]) -> Parsed.Outcome {
        let whole = Parsed(bytes, limits: limits)
        let inBytes = Parsed(bytes, limits: limits, inPiecesEndingAt: Array(1...bytes.count))
        #expect(whole == inBytes)
        return whole.outcome
    }

    @Test("A head of the limit passes, one byte more is 431; what follows a head does not count")
    func headByteCount() {
        #expect(outcome(head(byteCount: 100)) == .head)
        #expect(outcome(head(byteCount: 100) + Array("GET /".utf8)) == .head)
        #expect(outcome(head(byteCount: 101)) == .refused(.headTooLarge))
        #expect(outcome(head(byteCount: 1000)) == .refused(.headTooLarge))
    }

    @Test("It is refused as soon as so many bytes are there without an end, and not before")
    func endless() {
        let bytes = head(byteCount: 1000)
        #expect(Parsed(Array(bytes[..<99]), limits: limits).outcome == .incomplete)
        #expect(Parsed(Array(bytes[..<100]), limits: limits).outcome == .refused(.headTooLarge))
    }

    @Test("A target of its limit passes, one byte more is 414, and so is a request line that fills the head's limit")
    func targetByteCount() {
        func request(_ count: Int) -> [UInt8] {
            Array("GET /\(String(repeating: "a", count: count - 1)) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        }
        #expect(outcome(request(40)) == .head)
        #expect(outcome(request(41)) == .refused(.targetTooLong))
        #expect(outcome(request(500)) == .refused(.targetTooLong))
    }

    @Test("What is wrong within the limit is refused for that, and what is wrong past it is not seen")
    func order() {
        let tail = String(repeating: "x", count: 200)
        #expect(outcome(Array("GET / HTTP/1.1\r\nHost: a\r\nX : \(tail)\r\n\r\n".utf8)) == .refused(.headTooLarge))
        #expect(outcome(Array("GET / HTTP/1.1\r\nHost: a\r\nX: \u{1}\(tail)".utf8)) == .refused(.controlCharacter))
        #expect(outcome(Array("GET / HTTP/1.1\r\nX : a\r\nY: \(tail)".utf8)) == .refused(.spaceBeforeColon))
    }

    @Test("By default a head may have 16 KiB, and its target 8 KiB")
    func defaults() {
        #expect(HeadLimits().headByteCount == 16384 && HeadLimits().targetByteCount == 8192)
    }
}
