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
}
