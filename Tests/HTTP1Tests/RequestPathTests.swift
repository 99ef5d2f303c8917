import TestSupport
import Testing

@testable import HTTP1

@Suite("Paths of requests")
struct RequestPathTests {
    private func decode(_ path: String, capacity: Int = 4096) -> (RequestPath.Outcome, [UInt8]) {
        var outcome = RequestPath.Outcome.refused(.tooLong)
        let bytes = [UInt8](capacity: capacity) { output in
            outcome = withSpan(path) { RequestPath.append(decoding: $0, to: &output) }
        }
        return (outcome, bytes)
    }

    @Test(
        "A path becomes the relative path of a file",
        arguments: [
            ("", "", true), ("/", "", true), ("//", "", true), ("/a", "a", false), ("/a/", "a", true),
            ("/a/b", "a/b", false),
            ("//a///b//", "a/b", true), ("/a%20b", "a b", false), ("/%41%7a", "Az", false),
            ("/%C3%a4/%e2%82%ac", "ä/€", false),
            ("/%F0%9F%90%98", "🐘", false), ("/...", "...", false), ("/..a", "..a", false), ("/a..", "a..", false),
            ("/a.", "a.", false),
            ("/a%2e%2eb", "a..b", false), ("/a%3Fb%23c", "a?b#c", false), ("/a%0Ab", "a\nb", false),
            ("/a%5Cb", "a\\b", false),
            ("/a+b", "a+b", false), ("/a;b=c", "a;b=c", false), ("/~user", "~user", false),
            // Decoded once, and no more.
            ("/%252e%252e/%2525", "%2e%2e/%25", false), ("/%252F", "%2F", false),
            // Dots of other scripts are letters like any other.
            ("/%EF%BC%8E%EF%BC%8E", "．．", false),
        ])
    func decodes(path: String, name: String, endsInSlash: Bool) {
        let (outcome, bytes) = decode(path)
        #expect(
            outcome
                == .decoded(RequestPath.Decoded(endsInSlash: endsInSlash, hasHiddenSegment: name.hasPrefix("."))))
        #expect(String(decoding: bytes, as: UTF8.self) == name)
    }

    @Test(
        "What leads elsewhere, or names nothing, is refused, and leaves the output as it was",
        arguments: [
            (
                PathRefusal.dotSegment,
                [
                    "/..", "/../", "/../etc/passwd", "/a/..", "/a/../b", "/.", "/./a", "/a/.", "/a/./b", "/%2e%2e",
                    "/%2E./x", "/.%2e",
                    "/%2e", "/a//../b", "/..\\..\\x", "/..%5c..%5cx", "/a%5c..", "/a%5C..%5Cb", "/%5c../a", "/..%5c",
                    "/.%5c/a",
                ]
            ),
            (.badEscape, ["/%", "/%2", "/%zz", "/%2g", "/a%", "/%%41", "/%u002e", "/% 1", "/%-1", "/%+1"]),
            (.encodedSlash, ["/%2f", "/a%2Fb", "/..%2f..%2fetc", "/%2fetc"]),
            (.nul, ["/%00", "/a%00.txt", "/a\0b"]),
            (
                .notUTF8,
                [
                    "/%80", "/%c0%ae%c0%ae/", "/%c0%af", "/%e0%80%ae", "/%e0%9f%bf", "/%f0%80%80%ae", "/%ed%a0%80",
                    "/%f4%90%80%80",
                    "/%f5%80%80%80", "/%ff", "/%c3", "/%c3/%a4", "/%e2%82", "/%c3%28", "/%fe%fe%ff", "/%f8%80%80%80%ae",
                ]
            ),
            (.relative, ["a", "..", "*", "%2f", "http://x"]),
        ] as [(PathRefusal, [String])])
    func refuses(refusal: PathRefusal, paths: [String]) {
        for path in paths {
            let bytes = [UInt8](capacity: 100) { output in
                output.append(0x2a)
                let outcome = withSpan(path) { RequestPath.append(decoding: $0, to: &output) }
                #expect(outcome == .refused(refusal), "\(path)")
            }
            #expect(bytes == [0x2a], "\(path)")
        }
        #expect(refusal.status == .badRequest)
    }

    @Test("A path is appended after what stands there, and is refused when there is no room for it")
    func room() {
        let text = String(capacity: 7) { output in
            output.append("root")
            let outcome = withSpan("/a/b") { RequestPath.append(decoding: $0, to: &output) }
            #expect(outcome == .decoded(.init(endsInSlash: false, hasHiddenSegment: false)))
        }
        #expect(text == "roota/b")
        #expect(decode("/a/b", capacity: 3).0 == .decoded(.init(endsInSlash: false, hasHiddenSegment: false)))
        for capacity in 0...2 { #expect(decode("/a/b", capacity: capacity).0 == .refused(.tooLong)) }
        #expect(PathRefusal.tooLong.status == .uriTooLong)
    }

    @Test(
        "A hidden segment is told, wherever it is and however it is written",
        arguments: [
            ("/.git", true), ("/a/.git/b", true), ("/%2Egit", true), ("/a/%2egit", true), ("/a//.b", true),
            ("/a.b/c.", false),
            ("/a%5C.b", true), ("/...", true),
        ])
    func hidden(path: String, isHidden: Bool) {
        guard case .decoded(let decoded) = decode(path).0 else { return #expect(Bool(false), "\(path)") }
        #expect(decoded.hasHiddenSegment == isHidden)
    }

    @Test("Whatever the bytes, what comes out stays below the root: no slash first, no empty or dot segment, no NUL")
    func random() {
        var generator = SeededGenerator.announced(variable: "ZEROPOOL_HTTP1_SEED")
        let parts = [
            "/", "/", ".", "..", "%2e", "%2E", "%5c", "\\", "a", "%c0%ae", "%00", "%2f", "%", "é", "%25", "%c3%a4",
        ]
        for _ in 0..<20_000 {
            let path = "/" + (0..<generator.integer(0, 8)).map { _ in generator.element(parts) }.joined()
            guard case (.decoded, let bytes) = decode(path) else { continue }
            let text = String(validating: bytes, as: UTF8.self)
            #expect(text != nil && !bytes.contains(0), "\(path)")
            let segments = bytes.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: "/") }
            #expect(
                bytes.isEmpty || segments.allSatisfy { !$0.isEmpty && !Array(".".utf8).elementsEqual($0) }, "\(path)")
            let nested = bytes.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }
            #expect(!nested.contains { $0.elementsEqual("..".utf8) }, "\(path)")
        }
    }
}
