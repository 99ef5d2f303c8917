/// Why a response can't be understood; what follows it cannot either.
package enum ResponseFault: String, Error, Sendable, CaseIterable {
    case bareLineFeed = "a line that ends with LF alone"
    case bareCarriageReturn = "a CR that no LF follows"
    case controlCharacter = "a control character in the head"
    case badStatusLine = "a status line that is none of HTTP/1.0 or HTTP/1.1"
    case badField = "a malformed field line"
    case badContentLength = "a Content-Length that is no number, or two that differ"
    case bothLengths = "Content-Length and Transfer-Encoding"
    case unknownTransferCoding = "a transfer coding other than chunked"
    case headTooLarge = "a head past the limit"
    case badChunk = "a malformed chunk"
}
