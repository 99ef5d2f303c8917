@testable import HTTP1

/// Where swift-nio's parser accepts what ours refuses, and why ours does. In nothing else may they differ but that NIO knows a
/// fixed list of methods, where we take any token and leave the answer, 501, to the server.
enum KnownDifference: CaseIterable {
    /// One empty line before a request is passed over (RFC 9112, 2.2), not any number of CR and LF.
    case linesBefore
    /// More than one space between the parts of a request line (RFC 9112, 3).
    case spaces
    /// NIO takes nearly any bytes for a target: user names (RFC 9110, 4.2.4), empty hosts (4.2.1), other schemes, fragments,
    /// backslashes, bytes above ASCII (RFC 3986), `*` without OPTIONS, paths with CONNECT (RFC 9112, 3.2).
    case target
    /// Whose the request is must be certain, and said once (RFC 9112, 3.2). NIO leaves that to its users.
    case missingHost, repeatedHost, badHost
    /// A body longer than an `Int` counts; NIO counts in 64 bits without a sign.
    case contentLength
    /// Transfer codings that leave it open where the body ends, or that nobody undoes (RFC 9112, 6.1, 6.3).
    case transferEncoding
    /// RFC 9110, 10.1.1, lets a server refuse what it does not know with 417.
    case expectation

    /// A request that shows it.
    var example: String {
        switch self {
        case .linesBefore: "\n\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        case .spaces: "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"
        case .target: "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n"
        case .missingHost: "GET / HTTP/1.1\r\n\r\n"
        case .repeatedHost: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
        case .badHost: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"
        case .contentLength: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n"
        case .transferEncoding: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"
        case .expectation: "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"
        }
    }

    /// The difference that a refusal of ours is; nil where NIO should refuse as well.
    init?(_ refusal: RequestRefusal, of bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = Array(bytes.prefix { $0 == 0x0d || $0 == 0x0a })
        let beginsOddly = !lines.isEmpty && lines != [0x0d, 0x0a]
        switch refusal {
        case .bareLineFeed where beginsOddly, .bareCarriageReturn where beginsOddly, .badMethod where beginsOddly:
            self = .linesBefore
        case .badVersion where text.contains("  HTTP/1."), .badTarget where text.contains(#/^[\r\n]*[A-Z-]+  /#):
            self = .spaces
        case .badTarget: self = .target
        case .missingHost: self = .missingHost
        case .repeatedHost: self = .repeatedHost
        case .badHost: self = .badHost
        case .badContentLength where text.contains(/[0-9]{19}/): self = .contentLength
        case .badTransferEncoding, .unknownTransferCoding: self = .transferEncoding
        case .unknownExpectation: self = .expectation
        default: return nil
        }
    }
}
