/// A response's head, as a value: what it says, to be written by `append(to:location:)`. It is trivial, and making one allocates
/// nothing.
package struct ResponseHead: Sendable {
    package enum Connection: Sendable {
        /// Nothing is said: HTTP/1.1 stays open.
        case unstated
        case close
        /// For clients of HTTP/1.0 that asked for it.
        case keepAlive
    }

    /// What a `Content-Range` says (RFC 9110, 14.4).
    package enum ContentRange: Equatable, Sendable {
        /// `bytes 0-99/1000`: these bytes, of so many; not empty.
        case part(Range<Int>, of: Int)
        /// `bytes */1000`, with 416.
        case unsatisfied(of: Int)
    }

    package var status: ResponseStatus
    package var date: HTTPDate.Text?
    package var contentLength: Int?
    package var contentRange: ContentRange?
    package var contentType: ContentType?
    package var entityTag: EntityTag?
    package var lastModified: HTTPDate?
    package var acceptsRanges = false
    /// The methods of an `Allow`, such as `GET, HEAD`.
    package var allow: StaticString?
    /// Further field lines, each with its CR LF, such as `Vary: Accept\r\n`.
    package var otherFields: StaticString?
    package var connection = Connection.unstated

    package init(_ status: ResponseStatus) { self.status = status }

    /// Room that is always enough for a head, without its `location` and `otherFields`.
    package static let maxByteCount = 768

    /// Appends the head with the empty line at its end.
    /// - Parameters:
    ///   - location: The value of a `Location`, percent-encoded; none when it is empty.
    ///   - output: Left as it was when the room may not be enough: `maxByteCount` and the lengths of what is not in that.
    /// - Returns: Whether it was written. Allocates nothing.
    package func append(to output: inout OutputRawSpan, location: RawSpan = RawSpan()) -> Bool {
        let byteCount = Self.maxByteCount + location.byteCount + (otherFields?.utf8CodeUnitCount ?? 0)
        guard output.freeCapacity >= byteCount else { return false }
        output.append("HTTP/1.1 ")
        output.append(status.text)
        output.append("\r\n")
        if let date {
            output.append("Date: ")
            date.append(to: &output)
            output.append("\r\n")
        }
        appendContentFields(to: &output)
        appendValidators(to: &output)
        if let allow {
            output.append("Allow: ")
            output.append(allow)
            output.append("\r\n")
        }
        if location.byteCount > 0 {
            output.append("Location: ")
            output.append(copying: location)
            output.append("\r\n")
        }
        if let otherFields { output.append(otherFields) }
        switch connection {
        case .unstated: break
        case .close: output.append("Connection: close\r\n")
        case .keepAlive: output.append("Connection: keep-alive\r\n")
        }
        output.append("\r\n")
        return true
    }

    private func appendContentFields(to output: inout OutputRawSpan) {
        if let contentType {
            output.append("Content-Type: ")
            output.append(contentType.text)
            output.append("\r\n")
        }
        if let contentLength {
            output.append("Content-Length: ")
            output.append(decimal: contentLength)
            output.append("\r\n")
        }
        switch contentRange {
        case nil: break
        case .part(let range, let length):
            output.append("Content-Range: bytes ")
            output.append(decimal: range.lowerBound)
            output.append("-")
            output.append(decimal: range.upperBound - 1)
            output.append("/")
            output.append(decimal: length)
            output.append("\r\n")
        case .unsatisfied(let length):
            output.append("Content-Range: bytes */")
            output.append(decimal: length)
            output.append("\r\n")
        }
    }

    private func appendValidators(to output: inout OutputRawSpan) {
        if acceptsRanges { output.append("Accept-Ranges: bytes\r\n") }
        if let entityTag {
            output.append("ETag: ")
            entityTag.append(to: &output)
            output.append("\r\n")
        }
        if let lastModified {
            output.append("Last-Modified: ")
            lastModified.append(to: &output)
            output.append("\r\n")
        }
    }
}

/// The statuses that a file server answers with (RFC 9110, 15).
package enum ResponseStatus: UInt16, Sendable, CaseIterable {
    case `continue` = 100
    case ok = 200
    case partialContent = 206
    case movedPermanently = 301
    case notModified = 304
    case permanentRedirect = 308
    case badRequest = 400
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case notAcceptable = 406
    case requestTimeout = 408
    case preconditionFailed = 412
    case contentTooLarge = 413
    case uriTooLong = 414
    case rangeNotSatisfiable = 416
    case expectationFailed = 417
    case requestHeaderFieldsTooLarge = 431
    case internalServerError = 500
    case notImplemented = 501
    case serviceUnavailable = 503
    case httpVersionNotSupported = 505

    /// The status code and its reason phrase: `404 Not Found`.
    package var text: StaticString {
        switch self {
        case .continue: "100 Continue"
        case .ok: "200 OK"
        case .partialContent: "206 Partial Content"
        case .movedPermanently: "301 Moved Permanently"
        case .notModified: "304 Not Modified"
        case .permanentRedirect: "308 Permanent Redirect"
        case .badRequest: "400 Bad Request"
        case .forbidden: "403 Forbidden"
        case .notFound: "404 Not Found"
        case .methodNotAllowed: "405 Method Not Allowed"
        case .notAcceptable: "406 Not Acceptable"
        case .requestTimeout: "408 Request Timeout"
        case .preconditionFailed: "412 Precondition Failed"
        case .contentTooLarge: "413 Content Too Large"
        case .uriTooLong: "414 URI Too Long"
        case .rangeNotSatisfiable: "416 Range Not Satisfiable"
        case .expectationFailed: "417 Expectation Failed"
        case .requestHeaderFieldsTooLarge: "431 Request Header Fields Too Large"
        case .internalServerError: "500 Internal Server Error"
        case .notImplemented: "501 Not Implemented"
        case .serviceUnavailable: "503 Service Unavailable"
        case .httpVersionNotSupported: "505 HTTP Version Not Supported"
        }
    }
}
