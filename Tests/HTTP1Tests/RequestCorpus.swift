@testable import HTTP1
import TestSupport
import Testing

/// Heads, and what is to become of each: the rules one by one. Other tests cut them up and change them.
enum RequestCorpus {
    struct Entry: Sendable, CustomTestStringConvertible {
        let text: String
        /// Nil: it is a head.
        let refusal: RequestRefusal?

        var testDescription: String { text.debugDescription }
    }

    static let all = accepted + refused

    /// Every one a whole head, and nothing after it.
    static let accepted = of(
        nil,
        [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "HEAD /x HTTP/1.0\r\nHost: a.example:80\r\n\r\n",
            // An empty line before it (RFC 9112, 2.2).
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            // Nothing, or any blanks, around a value.
            "GET / HTTP/1.1\r\nhOsT:a\r\nX:\r\nY: \t \r\nZ:\tv \t\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: \u{e9} tab\tinside\r\n\r\n",
            "GET /%20?a=%zz&b=[] HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n",
            "GET /a|b^{c}`[d] HTTP/1.1\r\nHost: a_b\r\n\r\n",
            // Every tchar in a method and in a name.
            "!#$%&'*+-.^_`|~09azAZ / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09azAZ: 1\r\n\r\n",
            "GET http://example.org/a?b HTTP/1.1\r\nHost: other\r\n\r\n",
            "GET HTTPS://example.org:443 HTTP/1.1\r\nHost: other\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS /a HTTP/1.1\r\nHost: a:\r\n\r\n",
            "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0005\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, CLOSE ,y\r\n\r\n",
            "GET / HTTP/1.0\r\nConnection: x\r\nConnection: Keep-Alive\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\nIf-Range: \"x\"\r\nIf-Match: *\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"a\"\r\nX: y\r\nIf-None-Match: W/\"b\", \"c\"\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: x\r\nIf-Unmodified-Since: y\r\nAccept: z\r\n\r\n",
        ])

    static let refused: [Entry] =
        of(
            .bareLineFeed,
            [
                "GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
                "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n\n", "GET / HTTP/1.1\r\nX: y\nContent-Length: 5\r\nHost: a\r\n\r\n",
            ])
        + of(
            .bareCarriageReturn,
            [
                "GET / HTTP/1.1\rHost: a\r\r", "GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
                "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: \r \r\n\r\n",
            ])
        + of(
            .controlCharacter,
            [
                "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: \u{7f}\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX\u{1}: y\r\n\r\n",
                "GET /\u{b} HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: y\u{1b}[2J\r\n\r\n",
                "\u{16}\u{3}\u{1}\u{2}\0\u{1}",
            ])
        + of(
            .badMethod,
            [
                " GET / HTTP/1.1\r\nHost: a\r\n\r\n", "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET\r\n", "\u{e9} / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
                "\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n", "GET: / HTTP/1.1\r\n",
            ])
        + of(.badRequestLine, ["GET /\r\n", "GET \r\n", "GET\u{20}/index.html\r\nHost: a\r\n\r\n"])
        + of(
            .badTarget,
            [
                "GET  HTTP/1.1\r\nHost: a\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET a HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /\t HTTP/1.1\r\nHost: a\r\n\r\n", "GET /..\\x HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /<a> HTTP/1.1\r\nHost: a\r\n\r\n", "GET \\a HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://u@h/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET ftp://h/ HTTP/1.1\r\nHost: a\r\n\r\n", "GET http:/a HTTP/1.1\r\nHost: a\r\n\r\n",
                "OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n", "GET h:80 HTTP/1.1\r\nHost: a\r\n\r\n",
                "CONNECT /a HTTP/1.1\r\nHost: a\r\n\r\n",
            ])
        + of(
            .badVersion,
            [
                "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / http/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/11\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.10\r\nHost: a\r\n\r\n",
                "GET / HTTP/1,1\r\nHost: a\r\n\r\n", "GET / HTTP/ 1.1\r\nHost: a\r\n\r\n", "GET / \r\n",
                "GET / ICY/1.1\r\n\r\n",
            ])
        + of(
            .unsupportedVersion,
            [
                "GET / HTTP/2.0\r\nHost: a\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/0.9\r\n\r\n",
                "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            ])
        + of(
            .obsoleteFold,
            [
                "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\tz: w\r\n\r\n",
                "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n \r\n\r\n",
            ])
        + of(
            .badFieldName,
            [
                "GET / HTTP/1.1\r\nHost: a\r\n: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX(y: z\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\u{e9}: z\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n\"X\": z\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX;Y: z\r\n\r\n",
            ])
        + of(
            .spaceBeforeColon,
            [
                "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length\t: 5\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX Y: z\r\n\r\n",
            ])
        + of(.missingHost, ["GET / HTTP/1.1\r\n\r\n", "GET http://a/ HTTP/1.1\r\nX-Host: a\r\n\r\n"])
        + of(
            .repeatedHost,
            [
                "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\nhost: b\r\n\r\n",
                "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n",
            ])
        + of(
            .badHost,
            [
                "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
                "GET / HTTP/1.0\r\nHost: ::1\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a%2\r\n\r\n",
            ])
        + of(
            .badContentLength,
            [
                length("+5"), length("-5"), length(""), length("5 5"), length("5, 5"), length("0x5"), length("5a"),
                length("9223372036854775808"), length("1e3"), length("5;"), length("\u{664}"),
            ])
        + of(.repeatedContentLength, [length("5\r\nContent-Length: 5"), length("5\r\nX: y\r\ncontent-length: 6")])
        + of(
            .bothLengths,
            [
                length("5\r\nTransfer-Encoding: chunked"), coding("chunked\r\nContent-Length: 0"),
            ])
        + of(
            .badTransferEncoding,
            [
                coding("identity"), coding(""), coding("chunked, gzip"), coding("chunked, chunked"), coding("xchunked"),
                coding("chunked;q=1"), coding("chunked\r\nTransfer-Encoding: chunked"), coding("\"chunked\""),
                coding(",chunked,x"),
                coding("chunked").replacing("1.1", with: "1.0"), coding("chun ked"),
            ])
        + of(.unknownTransferCoding, [coding("gzip, chunked"), coding("identity,chunked")])
        + of(.unknownExpectation, ["GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"])

    private static func of(_ refusal: RequestRefusal?, _ texts: [String]) -> [Entry] {
        texts.map { Entry(text: $0, refusal: refusal) }
    }

    private static func length(_ value: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(value)\r\n\r\n"
    }

    private static func coding(_ value: String) -> String {
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \(value)\r\n\r\n"
    }
}

/// Requests that are nearly right: those of the corpus, changed in a few places, all from one seed.
struct RequestMutator {
    private var generator: SeededGenerator
    private static let accepted = RequestCorpus.accepted.map { Array($0.text.utf8) }
    private static let refused = RequestCorpus.refused.map { Array($0.text.utf8) }

    /// What parsers disagree about.
    private static let pieces: [[UInt8]] = [
        "\r\n", "\n", "\r", " ", "\t", ":", ",", "\0", "\u{7f}", "\u{b}", "%2e", "%", "?", "#", "*", "/", "//",
        "http://h", "HTTP/1.1",
        "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "GET ", "HEAD ", "OPTIONS ", "POST ", "Host: b\r\n", "Host:\r\n", "Host",
        "Content-Length",
        "Content-Length: 5\r\n", "Content-Length: +5\r\n", "Transfer-Encoding: chunked\r\n", "Transfer-Encoding",
        "Transfer-Encoding: identity\r\n", "chunked", "gzip", "Connection: close\r\n", "Connection: keep-alive\r\n",
        "close",
        "keep-alive", "Expect: 100-continue\r\n", "Range: bytes=0-1\r\n", "If-None-Match: \"x\"\r\n", "X: y\r\n",
        " z\r\n", "\r\n\r\n",
        "0", "5", "-", "+", "[::1]", "a:80", "@", "\\", "\"", ";", "=", "\u{e9}", "Upgrade: h2c\r\n",
    ].map { Array($0.utf8) }

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func next() -> [UInt8] {
        var bytes = generator.element(generator.integer(0, 2) > 0 ? Self.accepted : Self.refused)
        for _ in 0..<generator.integer(0, 4) { change(&bytes) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        let place = generator.integer(0, bytes.count)
        switch generator.integer(0, 6) {
        case 0, 1:
            bytes.insert(contentsOf: generator.element(Self.pieces), at: place)
        case 2:
            guard place < bytes.count else { return }
            bytes[place] = UInt8(generator.integer(0, 255))
        case 3:
            guard place < bytes.count else { return }
            bytes.remove(at: place)
        case 4:
            bytes.replaceSubrange(
                place..<min(bytes.count, place + generator.integer(1, 4)), with: generator.element(Self.pieces))
        case 5:
            insertLine(into: &bytes)
        default:
            guard place < bytes.count else { return }
            bytes[place] ^= 0x20
        }
    }

    /// At the beginning of a line, so that it is likely a whole one.
    private mutating func insertLine(into bytes: inout [UInt8]) {
        let starts = bytes.indices.filter { $0 > 0 && bytes[$0 - 1] == 0x0a }
        guard !starts.isEmpty else { return }
        let lines = Self.pieces.filter { $0.count > 2 && $0.last == 0x0a }
        bytes.insert(contentsOf: generator.element(lines), at: generator.element(starts))
    }
}
