import Testing

@testable import HTTP1

@Suite("Response heads, written")
struct ResponseHeadTests {
    private func text(_ head: ResponseHead, location: String = "") -> String {
        String { output in #expect(withSpan(location) { head.append(to: &output, location: $0) }) }
    }

    @Test("A head says what was set, and nothing else")
    func minimal() {
        #expect(text(ResponseHead(.notFound)) == "HTTP/1.1 404 Not Found\r\n\r\n")
    }

    @Test("A head with everything in it")
    func everything() {
        var head = ResponseHead(.partialContent)
        head.date = HTTPDate.Text(HTTPDate(secondsSinceEpoch: 784_111_777))
        head.contentType = .html
        head.contentLength = 100
        head.contentRange = .part(0..<100, of: 1000)
        head.acceptsRanges = true
        head.entityTag = EntityTag(1, 2, 3)
        head.lastModified = HTTPDate(secondsSinceEpoch: 0)
        head.allow = "GET, HEAD, OPTIONS"
        head.otherFields = "Vary: Accept\r\n"
        head.connection = .close
        #expect(
            text(head, location: "/a%20b/") == """
                HTTP/1.1 206 Partial Content\r
                Date: Sun, 06 Nov 1994 08:49:37 GMT\r
                Content-Type: text/html; charset=utf-8\r
                Content-Length: 100\r
                Content-Range: bytes 0-99/1000\r
                Accept-Ranges: bytes\r
                ETag: "1-2-3"\r
                Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r
                Allow: GET, HEAD, OPTIONS\r
                Location: /a%20b/\r
                Vary: Accept\r
                Connection: close\r
                \r\n
                """)
    }

    @Test("A range that cannot be satisfied, an empty body, and a connection that stays open")
    func others() {
        var head = ResponseHead(.rangeNotSatisfiable)
        head.contentRange = .unsatisfied(of: 0)
        head.contentLength = 0
        head.connection = .keepAlive
        #expect(
            text(head) == """
                HTTP/1.1 416 Range Not Satisfiable\r
                Content-Length: 0\r
                Content-Range: bytes */0\r
                Connection: keep-alive\r
                \r\n
                """)
    }

    @Test("The longest head fits into the room that is said to be enough; with less, nothing is written")
    func room() {
        var head = ResponseHead(.requestHeaderFieldsTooLarge)
        head.date = HTTPDate.Text(HTTPDate(secondsSinceEpoch: 0))
        head.contentType = ContentType.known.values.max { $0.text.utf8CodeUnitCount < $1.text.utf8CodeUnitCount }
        head.contentLength = .max
        head.contentRange = .part(.max - 2..<(.max - 1), of: .max)
        head.acceptsRanges = true
        head.entityTag = EntityTag(.max, .max, .max, isWeak: true)
        head.lastModified = HTTPDate(secondsSinceEpoch: .max)
        head.allow = "GET, HEAD, OPTIONS"
        head.connection = .keepAlive
        #expect(text(head, location: "/").utf8.count <= ResponseHead.maxByteCount + 1)
        for (capacity, isWritten) in [
            (ResponseHead.maxByteCount + 3, true), (ResponseHead.maxByteCount + 2, false), (0, false),
        ] {
            let bytes = [UInt8](capacity: capacity) { output in
                #expect(withSpan("/ab") { head.append(to: &output, location: $0) } == isWritten)
            }
            #expect(bytes.isEmpty != isWritten)
        }
    }

    @Test("Every status has its code and a reason", arguments: ResponseStatus.allCases)
    func statuses(status: ResponseStatus) {
        #expect(status.text.description.hasPrefix("\(status.rawValue) ") && status.text.utf8CodeUnitCount > 5)
    }

    @Test("What is written, ours and every client's parser reads", arguments: ResponseStatus.allCases)
    func readsBack(status: ResponseStatus) {
        var head = ResponseHead(status)
        head.contentLength = 42
        head.connection = .close
        var parser = ResponseParser(answering: .get)
        guard case .head(let read) = withSpan(text(head), { parser.parse($0) }) else {
            return #expect(Bool(false), "\(status)")
        }
        #expect(read.status == Int(status.rawValue) && !read.keepsAlive)
        let isBodiless = read.isInterim || status == .notModified
        #expect(read.body == (isBodiless ? .none : .bytes(42)))
    }
}
