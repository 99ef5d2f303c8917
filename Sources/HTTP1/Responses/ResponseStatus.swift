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
