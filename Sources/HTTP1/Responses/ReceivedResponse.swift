/// The head of a response that came in. Trivial.
package struct ReceivedResponse: Equatable, Sendable {
    /// How the end of its body is found (RFC 9112, 6.3).
    package enum Body: Equatable, Sendable {
        case none
        /// Never 0.
        case bytes(Int)
        /// For `ChunkedDecoder`.
        case chunked
        /// It lasts until the server closes.
        case untilClose
    }

    /// From 100 to 999.
    package internal(set) var status = 0
    package internal(set) var body = Body.none
    /// Whether the server lets the connection stay open (RFC 9112, 9.3). Never with a body that lasts until it closes.
    package internal(set) var keepsAlive = true
    /// Bytes of the head with the empty line at its end.
    package internal(set) var byteCount = 0

    /// Whether another response, the final one, follows (RFC 9110, 15.2).
    package var isInterim: Bool { status < 200 }
}
