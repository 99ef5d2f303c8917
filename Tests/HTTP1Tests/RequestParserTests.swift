import Testing

@testable import HTTP1

@Suite("Request heads")
struct RequestParserTests {
    private func head(_ text: String) throws -> RequestHead {
        try #require(Parsed(text).head, "\(Parsed(text).outcome) of \(text.debugDescription)")
    }

    @Test("A plain GET: every part is where it stands, and what follows the head is left")
    func plainGet() throws {
        let text = "GET /a/b.txt?c=d HTTP/1.1\r\nHost: example.org\r\nAccept: \t */* \r\nX-Other: 1\r\n\r\nGET /"
        let bytes = Array(text.utf8)
        let head = try head(text)
        #expect(head.method == .get && head.version == .http11 && head.targetForm == .origin && head.body == .none)
        #expect(head.keepsAlive && !head.expectsContinue)
        #expect(head.byteCount == bytes.count - 5)
        #expect(bytes[text: head.requestLine] == "GET /a/b.txt?c=d HTTP/1.1")
        #expect(bytes[text: head.target] == "/a/b.txt?c=d")
        #expect(bytes[text: head.path] == "/a/b.txt" && bytes[text: head.query] == "?c=d")
        #expect(head[.host].map { bytes[text: $0] } == "example.org")
        #expect(head[.accept].map { bytes[text: $0] } == "*/*")
        #expect(head[.range] == nil)
    }
}
