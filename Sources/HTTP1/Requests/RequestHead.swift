/// A request's head, as places in the bytes that it was parsed from. It is trivial, and holds no bytes itself: who keeps a
/// head keeps the bytes, at whatever address; all ranges count from the head's first byte.
package struct RequestHead: Sendable {
    package enum Version: UInt8, Sendable {
        case http10, http11
    }

    /// The form of the target (RFC 9112, 3.2).
    package enum TargetForm: Sendable {
        /// `/path?query`
        case origin
        /// `http://host/path?query`: to be served as if it were `/path?query`.
        case absolute
        /// `host:port`, of `CONNECT` only.
        case authority
        /// `*`, of `OPTIONS` only.
        case asterisk
    }

    /// What follows the head, before the next request. Nothing here reads it: a server passes over so many bytes, or answers
    /// and closes, as it must when the body is chunked.
    package enum Body: Equatable, Sendable {
        case none
        /// Never 0.
        case bytes(Int)
        case chunked
    }

    /// Of which nothing is known yet.
    package init() {}

    package internal(set) var method = RequestMethod.other
    package internal(set) var version = Version.http11
    package internal(set) var targetForm = TargetForm.origin
    package internal(set) var body = Body.none
    /// Whether the client lets the connection stay open after the answer (RFC 9112, 9.3).
    package internal(set) var keepsAlive = true
    /// Whether it waits for `100 Continue` before it sends its body. Always false for HTTP/1.0.
    package internal(set) var expectsContinue = false
    /// Bytes of the head with the empty line at its end. What comes after them is the body, or the next request.
    package internal(set) var byteCount = 0

    var requestLineRange = ByteRange.absent
    var targetRange = ByteRange.absent
    var pathRange = ByteRange.absent
    private var values = InlineArray<12, ByteRange>(repeating: .absent)
    private var presentFields: UInt16 = 0
    private var repeatedFields: UInt16 = 0

    /// The request line without its end, for a log.
    package var requestLine: Range<Int> { requestLineRange.range }
    /// The target as it was sent.
    package var target: Range<Int> { targetRange.range }
    /// The path within the target, without the query, still percent-encoded: for `RequestPath`. Empty in the authority and
    /// asterisk forms, and where an absolute target has none, which means `/`.
    package var path: Range<Int> { pathRange.range }
    /// The query within the target with its `?`; empty when there is none.
    package var query: Range<Int> { path.upperBound..<target.upperBound }

    /// The trimmed value of a field's first line; nil when the field is absent.
    package subscript(field: RequestField) -> Range<Int>? {
        has(field) ? values[Int(field.rawValue)].range : nil
    }

    /// Whether a field is there.
    package func has(_ field: RequestField) -> Bool { presentFields & field.bit != 0 }

    /// Whether the answer depends on more than the target: a range is asked for, or there are conditions.
    package var isConditional: Bool { presentFields & RequestField.conditionalBits != 0 }

    /// Whether a field stands in more than one line. Lines of a list are one list (RFC 9110, 5.3: `forEachValue`); a field
    /// that is no list has no meaning then.
    package func isRepeated(_ field: RequestField) -> Bool { repeatedFields & field.bit != 0 }

    /// Calls `body` with the trimmed value of every line of a field, until it returns false.
    /// - Parameter bytes: The head's bytes. They are looked through again only when the field is repeated.
    package func forEachValue(of field: RequestField, in bytes: RawSpan, _ body: (RawSpan) -> Bool) {
        guard let first = self[field] else { return }
        guard body(bytes.extracting(first)), isRepeated(field) else { return }
        var lines = LineScanner(startingAt: first.upperBound)
        // What is left of the first line.
        _ = lines.next(in: bytes, limit: byteCount)
        while case .line(let line) = lines.next(in: bytes, limit: byteCount), !line.isEmpty {
            guard let colon = bytes.firstIndex(of: UInt8(ascii: ":"), in: line),
                RequestField(name: bytes.extracting(line.lowerBound..<colon)) == field
            else { continue }
            guard body(bytes.extracting(bytes.trimmed(colon + 1..<line.upperBound))) else { return }
        }
    }

    /// Notes a line of a field.
    mutating func note(_ field: RequestField, _ value: Range<Int>) {
        if !has(field) {
            presentFields |= field.bit
            values[Int(field.rawValue)] = ByteRange(value)
        } else {
            repeatedFields |= field.bit
        }
    }
}

/// A request's method. Method names are case-sensitive (RFC 9110, 9.1).
package enum RequestMethod: Sendable, Equatable {
    case get, head, options, post, put, delete, patch, trace, connect
    /// A token that none of those is; a server answers 501.
    case other

    init(_ name: RawSpan) {
        switch name.byteCount {
        case 3: self = name.isEqual(to: "GET") ? .get : name.isEqual(to: "PUT") ? .put : .other
        case 4: self = name.isEqual(to: "HEAD") ? .head : name.isEqual(to: "POST") ? .post : .other
        case 5: self = name.isEqual(to: "PATCH") ? .patch : name.isEqual(to: "TRACE") ? .trace : .other
        case 6: self = name.isEqual(to: "DELETE") ? .delete : .other
        case 7: self = name.isEqual(to: "OPTIONS") ? .options : name.isEqual(to: "CONNECT") ? .connect : .other
        default: self = .other
        }
    }
}

/// The header fields that a file server uses. Others are checked for syntax and ignored.
package enum RequestField: UInt8, CaseIterable, Sendable {
    case host, connection, contentLength, transferEncoding, expect
    case range, ifRange, ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince
    case accept

    /// The field of that name, in either case; nil when it is none of these.
    init?(name: RawSpan) {
        // The length leaves two candidates at most, and their first letters or hyphens tell them apart at once.
        let candidates: (RequestField, RequestField?)
        switch name.byteCount {
        case 4: candidates = (.host, nil)
        case 5: candidates = (.range, nil)
        case 6: candidates = (.accept, .expect)
        case 8: candidates = (.ifRange, .ifMatch)
        case 10: candidates = (.connection, nil)
        case 13: candidates = (.ifNoneMatch, nil)
        case 14: candidates = (.contentLength, nil)
        case 17: candidates = (.transferEncoding, .ifModifiedSince)
        case 19: candidates = (.ifUnmodifiedSince, nil)
        default: return nil
        }
        if name.isEqual(ignoringCase: candidates.0.name) {
            self = candidates.0
        } else if let second = candidates.1, name.isEqual(ignoringCase: second.name) {
            self = second
        } else {
            return nil
        }
    }

    var bit: UInt16 { 1 << UInt16(rawValue) }

    /// Those that `RequestHead.isConditional` looks for.
    fileprivate static var conditionalBits: UInt16 {
        range.bit | ifRange.bit | ifMatch.bit | ifNoneMatch.bit | ifModifiedSince.bit | ifUnmodifiedSince.bit
    }

    /// In lower case.
    var name: StaticString {
        switch self {
        case .host: "host"
        case .connection: "connection"
        case .contentLength: "content-length"
        case .transferEncoding: "transfer-encoding"
        case .expect: "expect"
        case .range: "range"
        case .ifRange: "if-range"
        case .ifMatch: "if-match"
        case .ifNoneMatch: "if-none-match"
        case .ifModifiedSince: "if-modified-since"
        case .ifUnmodifiedSince: "if-unmodified-since"
        case .accept: "accept"
        }
    }
}

extension RequestHead {
    /// Takes the target apart by its form (RFC 9112, 3.2). The method is known, and there is a target.
    mutating func parseTarget(_ target: Range<Int>, of bytes: RawSpan) throws(RequestRefusal) {
        for offset in target where !ByteSet.target.contains(bytes[offset]) { throw .badTarget }
        targetRange = ByteRange(target)
        pathRange = ByteRange(target.upperBound..<target.upperBound)
        if method == .connect {
            guard Authority.isValid(bytes.extracting(target)) else { throw .badTarget }
            targetForm = .authority
        } else if bytes[target.lowerBound] == UInt8(ascii: "/") {
            targetForm = .origin
            setPath(target, of: bytes)
        } else if method == .options, target.count == 1, bytes[target.lowerBound] == UInt8(ascii: "*") {
            targetForm = .asterisk
        } else {
            try parseAbsoluteTarget(target, of: bytes)
        }
    }

    private mutating func parseAbsoluteTarget(_ target: Range<Int>, of bytes: RawSpan) throws(RequestRefusal) {
        // A proxy that ends TLS may send the latter.
        guard
            let start = Self.end(of: "http://", at: target, of: bytes)
                ?? Self.end(of: "https://", at: target, of: bytes)
        else { throw .badTarget }
        var end = start
        while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
        guard Authority.isValid(bytes.extracting(start..<end)) else { throw .badTarget }
        targetForm = .absolute
        setPath(end..<target.upperBound, of: bytes)
    }

    /// Where the authority of a target with that scheme begins.
    private static func end(of scheme: StaticString, at target: Range<Int>, of bytes: RawSpan) -> Int? {
        let end = target.lowerBound + scheme.utf8CodeUnitCount
        guard end <= target.upperBound, bytes.extracting(target.lowerBound..<end).isEqual(ignoringCase: scheme) else {
            return nil
        }
        return end
    }

    /// The path ends where the query begins.
    private mutating func setPath(_ range: Range<Int>, of bytes: RawSpan) {
        let end = bytes.firstIndex(of: UInt8(ascii: "?"), in: range) ?? range.upperBound
        pathRange = ByteRange(range.lowerBound..<end)
    }
}

/// `host` or `host:port` (RFC 3986, 3.2), as a Host field and an absolute target have it.
enum Authority {
    /// Whether it is one, and names a host: of `http` none is empty (RFC 9110, 4.2.1). User names are not allowed there
    /// (4.2.4), nor are zones.
    static func isValid(_ text: RawSpan) -> Bool {
        guard text.byteCount > 0 else { return false }
        if text[0] == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]"), in: 0..<text.byteCount) else { return false }
            return isAddress(text.extracting(1..<end)) && isPort(text.extracting(end + 1..<text.byteCount))
        }
        let colon = text.firstIndex(of: UInt8(ascii: ":"), in: 0..<text.byteCount) ?? text.byteCount
        return isName(text.extracting(0..<colon)) && isPort(text.extracting(colon..<text.byteCount))
    }

    /// What a name or an IPv4 address is made of.
    private static func isName(_ text: RawSpan) -> Bool {
        guard text.byteCount > 0 else { return false }
        var offset = 0
        while offset < text.byteCount {
            if text[offset] == UInt8(ascii: "%") {
                guard offset + 2 < text.byteCount, text[offset + 1].hexadecimalDigit != nil,
                    text[offset + 2].hexadecimalDigit != nil
                else { return false }
                offset += 3
            } else if ByteSet.name.contains(text[offset]) {
                offset += 1
            } else {
                return false
            }
        }
        return true
    }

    /// The characters of an IPv6 address. Whether the address is valid is not checked.
    private static func isAddress(_ text: RawSpan) -> Bool {
        guard text.byteCount >= 2, text.firstIndex(of: UInt8(ascii: ":"), in: 0..<text.byteCount) != nil else {
            return false
        }
        for offset in 0..<text.byteCount {
            let byte = text[offset]
            guard byte.hexadecimalDigit != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") else {
                return false
            }
        }
        return true
    }

    /// Nothing, or a colon with a port, which may be empty.
    private static func isPort(_ text: RawSpan) -> Bool {
        guard text.byteCount > 0 else { return true }
        guard text[0] == UInt8(ascii: ":") else { return false }
        guard text.byteCount > 1 else { return true }
        guard let port = text.extracting(1..<text.byteCount).decimal else { return false }
        return port <= 65535
    }
}
