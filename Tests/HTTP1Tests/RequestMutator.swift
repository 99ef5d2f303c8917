import TestSupport
@testable import HTTP1

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
