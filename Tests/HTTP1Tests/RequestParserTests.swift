@testable import HTTP1
import Testing

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

    @Test("What is right is a head, to its last byte", arguments: RequestCorpus.accepted)
    func accepts(entry: RequestCorpus.Entry) throws {
        let text = entry.text
        #expect(try head(text).byteCount == text.utf8.count)
        // What follows does not matter, also when it would be refused.
        #expect(try head(text + "\0\n").byteCount == text.utf8.count)
    }

    @Test("What is wrong is refused by its rule", arguments: RequestCorpus.refused)
    func refuses(entry: RequestCorpus.Entry) throws {
        #expect(Parsed(entry.text).outcome == .refused(try #require(entry.refusal)))
    }

    @Test("Every refusal has heads that meet it, and a status")
    func refusals() {
        let met = Set(RequestCorpus.refused.map(\.refusal))
        for refusal in RequestRefusal.allCases where refusal != .headTooLarge && refusal != .targetTooLong {
            #expect(met.contains(refusal), "\(refusal)")
        }
        let statuses = RequestRefusal.allCases.filter { $0.status != .badRequest }.map { ($0, $0.status.rawValue) }
        #expect(
            statuses.map { "\($0) \($1)" } == [
                "unsupportedVersion 505", "targetTooLong 414", "unknownTransferCoding 501", "unknownExpectation 417",
                "headTooLarge 431",
            ])
    }

    @Test("Byte by byte, and cut in two anywhere, a head gives the same result", arguments: RequestCorpus.all)
    func pieces(entry: RequestCorpus.Entry) {
        let bytes = Array(entry.text.utf8)
        let whole = Parsed(bytes)
        #expect(Parsed(bytes, inPiecesEndingAt: Array(1...bytes.count)) == whole)
        for cut in 1..<bytes.count {
            #expect(Parsed(bytes, inPiecesEndingAt: [cut, bytes.count]) == whole, "at \(cut)")
        }
    }

    @Test("A head that moves in memory while it arrives gives the same result")
    func moves() {
        let text = RequestCorpus.accepted[0].text
        var parser = RequestParser()
        var result = RequestParser.Outcome.incomplete
        for count in 1...text.utf8.count {
            // Each prefix is an array of its own.
            result = withSpan(Array(text.utf8.prefix(count))) { parser.parse($0) }
        }
        #expect(Parsed(result) == Parsed(text))
    }

    @Test(
        "No head ends before its empty line, and none is refused for what has not come",
        arguments: RequestCorpus.accepted)
    func incomplete(entry: RequestCorpus.Entry) {
        let bytes = Array(entry.text.utf8)
        for count in 0..<bytes.count { #expect(Parsed(Array(bytes[..<count])).outcome == .incomplete) }
    }

    @Test("Pipelined requests are parsed one after the other")
    func pipelined() {
        let bytes = Array(RequestCorpus.accepted.map(\.text).joined().utf8)
        var start = 0
        var heads = 0
        while start < bytes.count, let head = Parsed(Array(bytes[start...])).head {
            start += head.byteCount
            heads += 1
        }
        #expect(heads == RequestCorpus.accepted.count && start == bytes.count)
    }

    @Test(
        "Methods are known in capitals only",
        arguments: zip(
            ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "get", "GETT", "BREW"],
            [.get, .head, .options, .post, .put, .delete, .patch, .trace, .other, .other, .other] as [RequestMethod]))
    func methods(name: String, method: RequestMethod) throws {
        #expect(try head("\(name) / HTTP/1.1\r\nHost: a\r\n\r\n").method == method)
    }

    @Test(
        "The target's form, its path and its query",
        arguments: [
            ("GET /", RequestHead.TargetForm.origin, "/", ""), ("GET /a?b?c", .origin, "/a", "?b?c"),
            ("GET /a?", .origin, "/a", "?"), ("GET //a//", .origin, "//a//", ""),
            ("GET /http://b/", .origin, "/http://b/", ""),
            ("GET http://h/a?b", .absolute, "/a", "?b"), ("GET hTTp://h:1?b", .absolute, "", "?b"),
            ("GET https://[::1]", .absolute, "", ""), ("OPTIONS *", .asterisk, "", ""), ("OPTIONS /", .origin, "/", ""),
            ("CONNECT h:1", .authority, "", ""),
        ])
    func targets(line: String, form: RequestHead.TargetForm, path: String, query: String) throws {
        let text = "\(line) HTTP/1.1\r\nHost: a\r\n\r\n"
        let bytes = Array(text.utf8)
        let head = try head(text)
        #expect(head.targetForm == form)
        #expect(bytes[text: head.path] == path && bytes[text: head.query] == query)
    }

    @Test(
        "What becomes of the connection",
        arguments: [
            ("1.1", "", true), ("1.1", "close", false), ("1.1", "keep-alive", true),
            ("1.1", "Close, keep-alive", false),
            ("1.1", "keep-alive, x\r\nConnection: CLOSE", false), ("1.1", "closed", true), ("1.0", "", false),
            ("1.0", "Keep-Alive", true), ("1.0", "close", false), ("1.0", "keep-alive, close", false),
            ("1.0", "x,,keep-alive", true),
        ])
    func connection(version: String, value: String, keepsAlive: Bool) throws {
        let field = value.isEmpty ? "" : "Connection: \(value)\r\n"
        #expect(try head("GET / HTTP/\(version)\r\nHost: a\r\n\(field)\r\n").keepsAlive == keepsAlive)
    }

    @Test("How long the body is, and whether the client waits before it sends it")
    func bodies() throws {
        func request(_ fields: String, _ version: String = "1.1") throws -> RequestHead {
            try head("POST / HTTP/\(version)\r\nHost: a\r\n\(fields)\r\n")
        }
        #expect(try request("").body == .none)
        #expect(try request("Content-Length: 0\r\n").body == .none)
        #expect(try request("Content-Length: 17\r\n").body == .bytes(17))
        #expect(try request("Content-Length: 9223372036854775807\r\n").body == .bytes(.max))
        #expect(try request("Transfer-Encoding: chunked\r\n").body == .chunked)
        #expect(try request("Expect: 100-continue\r\n").expectsContinue)
        #expect(try !request("Expect: 100-continue\r\n", "1.0").expectsContinue)
    }

    @Test("Lines of a repeated field are found in order, and only they")
    func repeatedFields() throws {
        let text = """
            GET / HTTP/1.1\r\nAccept: a\r\nHost: h\r\nAccepts: no\r\naccept:\tb , c \r\nX: Accept: no\r\nACCEPT:\r\nAccept: d\r\n\r
            Accept: no\r\n\r\n
            """
        let bytes = Array(text.utf8)
        let head = try head(text)
        #expect(head.isRepeated(.accept) && !head.isRepeated(.host))
        func values(of field: RequestField, limit: Int = .max) -> [String] {
            var values: [String] = []
            withSpan(bytes) { bytes in
                head.forEachValue(of: field, in: bytes) { value in
                    values.append(value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
                    return values.count < limit
                }
            }
            return values
        }
        #expect(values(of: .accept) == ["a", "b , c", "", "d"])
        #expect(values(of: .accept, limit: 2) == ["a", "b , c"])
        #expect(values(of: .host) == ["h"] && values(of: .range) == [])
    }

    @Test("Every field that is heeded is known by its name in either case, and no other name is")
    func fieldNames() throws {
        for field in RequestField.allCases {
            for name in ["\(field.name)", "\(field.name)".uppercased()] {
                #expect(withSpan(name) { RequestField(name: $0) } == field)
            }
            for name in [
                "\(field.name)s", "x\(field.name.description.dropFirst())", "\(field.name.description.dropLast())",
            ] {
                #expect(withSpan(name) { RequestField(name: $0) } == nil, "\(name)")
            }
        }
    }
}

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
