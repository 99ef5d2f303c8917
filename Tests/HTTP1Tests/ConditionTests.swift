@testable import HTTP1
import Testing

@Suite("Conditions")
struct ConditionTests {
    private static let modified = HTTPDate(secondsSinceEpoch: 784_111_777)
    private static let tag = "\"a-b-c\""
    private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
    private static let before = "Sun, 06 Nov 1994 08:49:36 GMT"
    private static let after = "Sun, 06 Nov 1994 08:49:38 GMT"

    private func decision(
        _ fields: String..., method: String = "GET", isWeak: Bool = false, ageSeconds: Int = 1000
    ) throws -> RequestHead.Decision {
        let text = (["\(method) / HTTP/1.1", "Host: a"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
        let head = try #require(Parsed(text).head)
        let file = Representation(
            length: 1000, entityTag: EntityTag(0xa, 0xb, 0xc, isWeak: isWeak), lastModified: Self.modified)
        let now = HTTPDate(secondsSinceEpoch: Self.modified.secondsSinceEpoch + ageSeconds)
        return withSpan(text) { head.decision(in: $0, for: file, now: now) }
    }

    @Test("Without conditions, all of it, or the range")
    func unconditional() throws {
        #expect(try decision() == .whole)
        #expect(try decision("Range: bytes=10-19") == .part(10..<20))
        #expect(try decision("Range: bytes=1000-") == .rangeNotSatisfiable)
        #expect(try decision("Range: bytes=10-19", method: "HEAD") == .whole)
        #expect(try decision("Range: bytes=10-19", "Range: bytes=0-1") == .whole)
        #expect(try decision("Range: bytes=0-1,5-6") == .whole)
    }

    @Test("If-Match: one of the tags, strongly, or 412")
    func ifMatch() throws {
        #expect(try decision("If-Match: \(Self.tag)") == .whole)
        #expect(try decision("If-Match: *") == .whole)
        #expect(try decision("If-Match: \"x\", \(Self.tag)") == .whole)
        #expect(try decision("If-Match: \"x\"", "If-Match: \(Self.tag)") == .whole)
        #expect(try decision("If-Match: \"x\"") == .preconditionFailed)
        #expect(try decision("If-Match: W/\(Self.tag)") == .preconditionFailed)
        #expect(try decision("If-Match: \(Self.tag)", isWeak: true) == .preconditionFailed)
        #expect(try decision("If-Match: x") == .preconditionFailed)
    }

    @Test("If-Unmodified-Since: 412 when it was; heeded only without If-Match, once, and as a date")
    func ifUnmodifiedSince() throws {
        #expect(try decision("If-Unmodified-Since: \(Self.before)") == .preconditionFailed)
        #expect(try decision("If-Unmodified-Since: \(Self.date)") == .whole)
        #expect(try decision("If-Unmodified-Since: \(Self.before)", "If-Match: \(Self.tag)") == .whole)
        #expect(try decision("If-Unmodified-Since: yesterday") == .whole)
        #expect(try decision("If-Unmodified-Since: \(Self.before)", "If-Unmodified-Since: \(Self.before)") == .whole)
    }

    @Test("If-None-Match: one of the tags, weakly, and it is 304")
    func ifNoneMatch() throws {
        #expect(try decision("If-None-Match: \(Self.tag)") == .notModified)
        #expect(try decision("If-None-Match: W/\(Self.tag)") == .notModified)
        #expect(try decision("If-None-Match: \(Self.tag)", isWeak: true) == .notModified)
        #expect(try decision("If-None-Match: *", method: "HEAD") == .notModified)
        #expect(try decision("If-None-Match: \"x\"", "If-None-Match: \"y\", \(Self.tag)") == .notModified)
        #expect(try decision("If-None-Match: \"x\"") == .whole)
        #expect(try decision("If-None-Match: x") == .whole)
    }

    @Test("If-Modified-Since: 304 when it was not; heeded only without If-None-Match, once, and as a date")
    func ifModifiedSince() throws {
        #expect(try decision("If-Modified-Since: \(Self.date)") == .notModified)
        #expect(try decision("If-Modified-Since: \(Self.after)", method: "HEAD") == .notModified)
        #expect(try decision("If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT") == .notModified)
        #expect(try decision("If-Modified-Since: \(Self.before)") == .whole)
        #expect(try decision("If-Modified-Since: \(Self.date)", "If-None-Match: \"x\"") == .whole)
        #expect(try decision("If-Modified-Since: 0") == .whole)
        #expect(try decision("If-Modified-Since: \(Self.date)", "If-Modified-Since: \(Self.date)") == .whole)
    }

    @Test("If-Range: the same tag, strongly, or the same date, long past; else all of it")
    func ifRange() throws {
        let range = "Range: bytes=10-19"
        #expect(try decision(range, "If-Range: \(Self.tag)") == .part(10..<20))
        #expect(try decision(range, "If-Range: \"x\"") == .whole)
        #expect(try decision(range, "If-Range: W/\(Self.tag)") == .whole)
        #expect(try decision(range, "If-Range: \(Self.tag)", isWeak: true) == .whole)
        #expect(try decision(range, "If-Range: \(Self.tag), \(Self.tag)") == .whole)
        #expect(try decision(range, "If-Range: *") == .whole)
        #expect(try decision(range, "If-Range: \(Self.date)") == .part(10..<20))
        #expect(try decision(range, "If-Range: \(Self.after)") == .whole)
        #expect(try decision(range, "If-Range: \(Self.before)") == .whole)
        #expect(try decision(range, "If-Range: \(Self.date)", ageSeconds: 59) == .whole)
        #expect(try decision(range, "If-Range: \(Self.date)", ageSeconds: 60) == .part(10..<20))
        #expect(try decision(range, "If-Range: \(Self.tag)", "If-Range: \(Self.tag)") == .whole)
        #expect(try decision("Range: bytes=1000-", "If-Range: \"x\"") == .whole)
        #expect(try decision("If-Range: \"x\"") == .whole)
    }

    @Test("They are evaluated in the order of RFC 9110, 13.2.2")
    func order() throws {
        let range = "Range: bytes=1000-"
        #expect(try decision("If-None-Match: \(Self.tag)", "If-Match: \"x\"", range) == .preconditionFailed)
        #expect(
            try decision("If-Modified-Since: \(Self.date)", "If-Unmodified-Since: \(Self.before)")
                == .preconditionFailed)
        #expect(try decision(range, "If-None-Match: \(Self.tag)", "If-Match: \(Self.tag)") == .notModified)
        #expect(try decision(range, "If-Modified-Since: \(Self.date)", "If-Match: *") == .notModified)
        #expect(try decision(range, "If-None-Match: \"x\"", "If-Match: *") == .rangeNotSatisfiable)
    }
}

@Suite("Entity tags")
struct EntityTagTests {
    private let strong = EntityTag(0x1f, 0, 0x5e3)
    private let weak = EntityTag(0x1f, 0, 0x5e3, isWeak: true)

    private func text(_ tag: EntityTag) -> String { String { tag.append(to: &$0) } }

    @Test("A tag is its numbers in hexadecimal, in quotes")
    func texts() {
        #expect(text(strong) == "\"1f-0-5e3\"" && text(weak) == "W/\"1f-0-5e3\"")
        let longest = EntityTag(.max, .max, .max, isWeak: true)
        #expect(text(longest) == "W/\"ffffffffffffffff-ffffffffffffffff-ffffffffffffffff\"")
        #expect(text(longest).utf8.count == EntityTag.maxByteCount)
        #expect(text(EntityTag(0x10, 0xff, 1 << 63)) == "\"10-ff-8000000000000000\"")
    }

    @Test("Strong and weak comparison, as the table of RFC 9110, 8.8.3.2, has them")
    func comparison() {
        let cases: [(EntityTag, String, strong: Bool, weak: Bool)] = [
            (weak, text(weak), false, true), (weak, "W/\"2\"", false, false), (weak, text(strong), false, true),
            (strong, text(strong), true, true), (strong, text(weak), false, true),
        ]
        for (tag, other, isStrong, isWeak) in cases {
            #expect(withSpan(other) { tag.matches($0, .strong) } == isStrong)
            #expect(withSpan(other) { tag.matches($0, .weak) } == isWeak)
        }
    }

    @Test(
        "Only a whole tag is one",
        arguments: [
            "", "1f-0-5e3", "\"1f-0-5e3", "1f-0-5e3\"", "\"1f-0-5e3\" ", " \"1f-0-5e3\"", "w/\"1f-0-5e3\"",
            "\"1F-0-5E3\"", "*", "W/",
        ])
    func malformed(text: String) {
        #expect(!withSpan(text) { strong.matches($0, .weak) })
    }

    @Test(
        "Lists",
        arguments: [
            ("*", true), ("\"1f-0-5e3\"", true), ("\"a\", \"1f-0-5e3\"", true), ("\"a\",W/\"1f-0-5e3\",\"b\"", true),
            (",, \"a\" ,\t\"1f-0-5e3\"", true), ("\"a,1f-0-5e3\", \"b\"", false), ("\"a\"", false), ("", false),
            ("**", false),
            ("\"\u{e9}\", \"1f-0-5e3\"", true), ("a, \"1f-0-5e3\"", false), ("\"a b\", \"1f-0-5e3\"", false),
            ("\"1f-0-5e3\", x", true), ("1f-0-5e3", false),
        ])
    func lists(list: String, isListed: Bool) {
        #expect(withSpan(list) { strong.isListed(in: $0, .weak) } == isListed)
    }
}

@Suite("Ranges")
struct RangeRequestTests {
    @Test(
        "What a Range means for 1000 bytes",
        arguments: [
            ("bytes=0-499", RangeRequest.part(0..<500)), ("bytes=0-0", .part(0..<1)),
            ("bytes=999-999", .part(999..<1000)),
            ("bytes=500-", .part(500..<1000)), ("bytes=0-", .part(0..<1000)), ("bytes=-500", .part(500..<1000)),
            ("bytes=-1", .part(999..<1000)), ("bytes=-1000", .part(0..<1000)), ("bytes=-2000", .part(0..<1000)),
            ("bytes=900-2000", .part(900..<1000)), ("Bytes=1-2", .part(1..<3)),
            ("bytes=0-99999999999999999999999", .part(0..<1000)), ("bytes=-99999999999999999999999", .part(0..<1000)),
            ("bytes=00000000000000000000000001-2", .part(1..<3)), ("bytes=0-9223372036854775807", .part(0..<1000)),
            ("bytes=1000-", .unsatisfiable), ("bytes=1000-1001", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=99999999999999999999999-", .unsatisfiable),
            ("bytes=2-1", .whole), ("bytes=", .whole), ("bytes=-", .whole), ("bytes", .whole), ("", .whole),
            ("bytes=a-b", .whole),
            ("bytes=1", .whole), ("bytes=0-1,2-3", .whole), ("bytes=0-1,", .whole), ("bytes=--1", .whole),
            ("bytes=+1-2", .whole),
            ("bytes=1-2x", .whole), ("bytes= 1-2", .whole), ("bytes =1-2", .whole), ("lines=1-2", .whole),
            ("bytes=1-2-3", .whole),
            ("bytes=0x0-1", .whole), ("bytes=1 -2", .whole),
        ])
    func ofThousand(value: String, request: RangeRequest) {
        #expect(withSpan(value) { RangeRequest($0, length: 1000) } == request)
    }

    @Test("Of nothing there is no part; its last bytes are the whole")
    func ofNothing() {
        for (value, request) in [
            ("bytes=0-", RangeRequest.unsatisfiable), ("bytes=0-0", .unsatisfiable), ("bytes=-5", .whole),
        ] {
            #expect(withSpan(value) { RangeRequest($0, length: 0) } == request)
        }
    }

    @Test("A part is never empty, and within the length, whatever the length")
    func bounds() {
        for length in [0, 1, 2, 5, .max] {
            for value in [
                "0-0", "0-", "-1", "1-1", "1-", "-9223372036854775807", "9223372036854775806-9223372036854775807",
            ] {
                guard case .part(let part) = withSpan("bytes=\(value)", { RangeRequest($0, length: length) }) else {
                    continue
                }
                #expect(!part.isEmpty && part.lowerBound >= 0 && part.upperBound <= length, "\(value) of \(length)")
            }
        }
    }
}
