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
