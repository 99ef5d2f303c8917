import Testing

@testable import HTTP1

@Suite("Escapes and logs")
struct TextTests {
    @Test("A path is percent-encoded but for slashes and what never needs it, and decodes to itself")
    func percentEncoding() {
        let path = "a b/ä%?#&\"<>\\~-._\n\u{7f}"
        let encoded = String { output in #expect(withSpan(path) { Escaping.append(percentEncoding: $0, to: &output) }) }
        #expect(encoded == "a%20b/%C3%A4%25%3F%23%26%22%3C%3E%5C~-._%0A%7F")
        let decoded = String { output in _ = withSpan("/" + encoded) { RequestPath.append(decoding: $0, to: &output) } }
        #expect(decoded == path)
    }

    @Test("HTML is escaped for contents and for attributes")
    func html() {
        #expect(Escaping.html("<a href=\"x\" b='&'>ä") == "&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;ä")
    }

    @Test("A string of JSON has each character, its own escapes among them")
    func json() { #expect(Escaping.json("\"\\/ä🎈") == "\\\"\\\\/ä🎈") }

    @Test(
        "What only changes how a text is shown is seen in HTML, and escaped in JSON",
        arguments: ["\u{1}", "\n", "\r", "\u{7f}", "\u{85}", "\u{61c}", "\u{200e}", "\u{2028}", "\u{202e}", "\u{2069}"]
            as [Unicode.Scalar])
    func layout(scalar: Unicode.Scalar) {
        let digits = String(scalar.value, radix: 16)
        let escape = "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        #expect(Escaping.html("a\(scalar)b") == "a\u{fffd}b")
        #expect(Escaping.json("a\(scalar)b") == "a\(escape)b")
    }

    @Test(
        "What text of any language is made of passes as it is",
        arguments: ["é", "e\u{301}", "日本", "עברית", "नि\u{200d}", "👩\u{200d}🚀"])
    func languages(text: String) { #expect(Escaping.html(text) == text && Escaping.json(text) == text) }

    @Test("Where the room may not be enough, nothing is written")
    func room() {
        for (capacity, isWritten) in [(12, true), (11, false)] {
            let bytes = [UInt8](capacity: capacity) { output in
                #expect(withSpan("\"\"\"\"") { Escaping.append(percentEncoding: $0, to: &output) } == isWritten)
            }
            #expect(bytes.isEmpty != isWritten)
        }
    }

    private func logLine(_ requestLine: [UInt8], _ status: ResponseStatus, _ bodyByteCount: Int) -> String {
        String { output in
            let isWritten = withSpan("::1") { client in
                withSpan(requestLine) { line in
                    CommonLog.append(
                        client: client, date: HTTPDate(secondsSinceEpoch: 784_111_777), requestLine: line,
                        status: status,
                        bodyByteCount: bodyByteCount, to: &output)
                }
            }
            #expect(isWritten)
            let room = CommonLog.maxByteCount(clientByteCount: 3, requestLineByteCount: requestLine.count)
            #expect(output.byteCount <= room)
        }
    }

    @Test("A line of the log")
    func log() {
        #expect(
            logLine(Array("GET /a HTTP/1.1".utf8), .ok, 2326)
                == "::1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a HTTP/1.1\" 200 2326\n")
        #expect(logLine([], .badRequest, 0) == "::1 - - [06/Nov/1994:08:49:37 +0000] \"-\" 400 -\n")
    }

    @Test("No request can forge a line, or a quote")
    func logEscapes() {
        let line = logLine(Array("GET /\"\\\n\r\u{1b}ä".utf8), .ok, .max)
        #expect(line.contains("\"GET /\\x22\\x5C\\x0A\\x0D\\x1B\\xC3\\xA4\" 200 9223372036854775807\n"))
    }
}
