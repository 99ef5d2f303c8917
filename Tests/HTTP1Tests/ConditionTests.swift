import Testing

@testable import HTTP1

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
