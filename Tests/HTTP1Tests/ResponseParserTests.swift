import Testing

@testable import HTTP1

@Suite("Response heads, read")
struct ResponseParserTests {
    private func parse(_ text: String, _ method: RequestMethod = .get, limit: Int = 1000) -> ResponseParser.Outcome {
        let bytes = Array(text.utf8)
        let limits = HeadLimits(headByteCount: limit)
        var whole = ResponseParser(answering: method, limits: limits)
        let outcome = withSpan(bytes) { whole.parse($0) }
        var pieces = ResponseParser(answering: method, limits: limits)
        var other = ResponseParser.Outcome.incomplete
        for count in 1...max(1, bytes.count) where other == .incomplete {
            other = withSpan(Array(bytes[..<min(count, bytes.count)])) { pieces.parse($0) }
        }
        #expect(outcome == other, "byte by byte: \(text.debugDescription)")
        return outcome
    }

    private func head(_ text: String, _ method: RequestMethod = .get) throws -> ReceivedResponse {
        guard case .head(let head) = parse(text, method) else {
            throw ResponseFault.badStatusLine
        }
        return head
    }

    @Test("What nginx, python and a minimal server say")
    func servers() throws {
        let nginx = """
            HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Type: text/plain\r\nContent-Length: 4096\r
            Connection: keep-alive\r\nETag: "x"\r\nAccept-Ranges: bytes\r\n\r\nBODY
            """
        let first = try head(nginx)
        #expect(first.status == 200 && first.body == .bytes(4096) && first.keepsAlive)
        #expect(first.byteCount == nginx.utf8.count - 4)
        let python = try head("HTTP/1.0 200 OK\r\nServer: SimpleHTTP/0.6 Python/3.11.2\r\nContent-Length: 5\r\n\r\n")
        #expect(python.body == .bytes(5) && !python.keepsAlive)
        let bare = try head("HTTP/1.1 404\r\n\r\n")
        #expect(bare.status == 404 && bare.body == .untilClose && !bare.keepsAlive)
    }

    @Test("How the end of the body is found (RFC 9112, 6.3)")
    func bodies() throws {
        let length = "Content-Length: 5\r\n\r\n"
        #expect(try head("HTTP/1.1 200 OK\r\n" + length, .head).body == .none)
        #expect(try head("HTTP/1.1 204 No Content\r\n\r\n").body == .none)
        #expect(try head("HTTP/1.1 304 Not Modified\r\n" + length).body == .none)
        #expect(try head("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").body == .none)
        #expect(try head("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n").body == .chunked)
        #expect(try head("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n" + length).body == .bytes(5))
        let interim = try head("HTTP/1.1 100 Continue\r\n\r\n")
        #expect(interim.isInterim && interim.body == .none && interim.keepsAlive)
    }

    @Test("Whether the connection stays open")
    func connection() throws {
        let length = "Content-Length: 5\r\n\r\n"
        #expect(try head("HTTP/1.1 200 OK\r\n" + length).keepsAlive)
        #expect(try !head("HTTP/1.1 200 OK\r\nConnection: Close\r\n" + length).keepsAlive)
        #expect(try !head("HTTP/1.0 200 OK\r\n" + length).keepsAlive)
        #expect(try head("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + length).keepsAlive)
    }

    @Test(
        "What cannot be understood is a fault, and which",
        arguments: [
            ("HTTP/1.1 200 OK\n\n", ResponseFault.bareLineFeed), ("HTTP/1.1 200 OK\rX\r\n", .bareCarriageReturn),
            ("HTTP/1.1 200 \0\r\n\r\n", .controlCharacter), ("HTTP/2.0 200 OK\r\n\r\n", .badStatusLine),
            ("HTTP/1.1 2000 OK\r\n\r\n", .badStatusLine), ("HTTP/1.1 099 OK\r\n\r\n", .badStatusLine),
            ("HTTP/1.1  200\r\n\r\n", .badStatusLine), ("220 mail.example ESMTP\r\n", .badStatusLine),
            ("\r\n", .badStatusLine),
            ("HTTP/1.1 200 OK\r\nX\r\n\r\n", .badField), ("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", .badField),
            ("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", .badField),
            ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", .badContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .badContentLength),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .bothLengths),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unknownTransferCoding),
        ])
    func faults(text: String, fault: ResponseFault) {
        #expect(parse(text) == .malformed(fault))
    }

    @Test("A head past the limit is a fault, as soon as it is")
    func limit() {
        let text = "HTTP/1.1 200 OK\r\nX: \(String(repeating: "x", count: 100))\r\n\r\n"
        #expect(parse(text, limit: text.utf8.count - 1) == .malformed(.headTooLarge))
        let start = String(decoding: text.utf8.prefix(50), as: UTF8.self)
        #expect(parse(start, limit: 50) == .malformed(.headTooLarge))
        #expect(parse(start, limit: 51) == .incomplete)
    }
}
