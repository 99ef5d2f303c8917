/// Why a request's head is refused. The connection is then closed after the answer: where the next request would begin is
/// not certain.
package enum RequestRefusal: Error, Equatable, Sendable, CaseIterable {
    // Lines (RFC 9112, 2.2; RFC 9110, 5.5).
    case bareLineFeed, bareCarriageReturn, controlCharacter
    // The request line (RFC 9112, 3).
    case badRequestLine, badMethod, badTarget, badVersion, unsupportedVersion, targetTooLong
    // Field lines (RFC 9112, 5).
    case obsoleteFold, badFieldName, spaceBeforeColon
    // Where it goes (RFC 9112, 3.2).
    case missingHost, repeatedHost, badHost
    // How long its body is (RFC 9112, 6).
    case badContentLength, repeatedContentLength, bothLengths, badTransferEncoding, unknownTransferCoding
    // Others.
    case unknownExpectation, headTooLarge

    /// What the answer says.
    package var status: ResponseStatus {
        switch self {
        case .targetTooLong: .uriTooLong
        case .unknownExpectation: .expectationFailed
        case .headTooLarge: .requestHeaderFieldsTooLarge
        case .unknownTransferCoding: .notImplemented
        case .unsupportedVersion: .httpVersionNotSupported
        default: .badRequest
        }
    }
}
