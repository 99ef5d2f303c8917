/// The header fields that a file server heeds. Others are checked for their form and passed over.
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
    static var conditionalBits: UInt16 {
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
