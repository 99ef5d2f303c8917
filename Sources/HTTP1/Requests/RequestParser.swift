/// Parses the head of one request in place, in however many pieces it arrives: strictly by RFC 9110 and RFC 9112.
///
/// It is a few words of state and no bytes. Each call gets all that has arrived since the head's first byte; what earlier
/// calls looked at is not looked at again, so that a head that comes byte by byte costs as much as one that comes whole, and
/// gives the same result. Nothing is copied or allocated.
///
/// What it refuses is in `RequestRefusal`; how large a head may be, in `HeadLimits`. One empty line before the request line
/// is passed over (RFC 9112, 2.2).
package struct RequestParser: Sendable {
    package enum Outcome: Sendable {
        /// The head has not ended: call again when more has arrived.
        case incomplete
        case head(RequestHead)
        /// To be answered with the refusal's status, and then closed.
        case refused(RequestRefusal)
    }

    private enum Stage: Sendable {
        case beginning
        case requestLine
        case fields
    }

    private let limits: HeadLimits
    private var stage = Stage.beginning
    private var lines = LineScanner()
    private var head = RequestHead()
    private var contentLength: Int?
    private var options = ConnectionOptions()

    package init(limits: HeadLimits = HeadLimits()) {
        self.limits = limits
    }

    /// The request line, for the log of a head that is refused later; nil as long as none was parsed.
    package var requestLine: Range<Int>? { stage == .fields ? head.requestLine : nil }

    /// Goes on with a head. Not to be called again once it has returned a head or a refusal: the next request has a parser
    /// of its own.
    /// - Parameter bytes: All that has arrived from the head's first byte on; what follows the head may be among it.
    package mutating func parse(_ bytes: RawSpan) -> Outcome {
        do throws(RequestRefusal) {
            while let line = try nextLine(of: bytes) {
                switch stage {
                case .beginning where line.isEmpty:
                    stage = .requestLine
                case .beginning, .requestLine:
                    try parseRequestLine(line, of: bytes)
                    stage = .fields
                case .fields where line.isEmpty:
                    try finish(bytes)
                    return .head(head)
                case .fields:
                    try parseField(line, of: bytes)
                }
            }
            return .incomplete
        } catch {
            return .refused(error)
        }
    }

    /// The next whole line; nil when it has not arrived.
    private mutating func nextLine(of bytes: RawSpan) throws(RequestRefusal) -> Range<Int>? {
        switch lines.next(in: bytes, limit: limits.headByteCount) {
        case .line(let line): return line
        case .fault(.bareLineFeed): throw .bareLineFeed
        case .fault(.bareCarriageReturn): throw .bareCarriageReturn
        case .fault(.controlCharacter): throw .controlCharacter
        case .incomplete:
            guard bytes.byteCount >= limits.headByteCount else { return nil }
            throw stage == .fields ? .headTooLarge : .targetTooLong
        }
    }

    // MARK: The request line

    private mutating func parseRequestLine(_ line: Range<Int>, of bytes: RawSpan) throws(RequestRefusal) {
        // Exactly one space each (RFC 9112, 3): others read more of them elsewhere.
        var methodEnd = line.lowerBound
        while methodEnd < line.upperBound, ByteSet.token.contains(bytes[methodEnd]) { methodEnd += 1 }
        guard methodEnd > line.lowerBound, methodEnd < line.upperBound, bytes[methodEnd] == 0x20 else {
            throw .badMethod
        }
        guard let targetEnd = bytes.firstIndex(of: 0x20, in: methodEnd + 1..<line.upperBound) else {
            throw .badRequestLine
        }
        guard targetEnd > methodEnd + 1 else { throw .badTarget }
        head.requestLineRange = ByteRange(line)
        head.method = RequestMethod(bytes.extracting(line.lowerBound..<methodEnd))
        head.version = try Self.version(bytes.extracting(targetEnd + 1..<line.upperBound))
        let target = methodEnd + 1..<targetEnd
        guard target.count <= limits.targetByteCount else { throw .targetTooLong }
        try head.parseTarget(target, of: bytes)
    }

    private static func version(_ text: RawSpan) throws(RequestRefusal) -> RequestHead.Version {
        if text.isEqual(to: "HTTP/1.1") { return .http11 }
        if text.isEqual(to: "HTTP/1.0") { return .http10 }
        guard text.byteCount == 8, text.extracting(0..<5).isEqual(to: "HTTP/"), text[5].digit != nil,
            text[6] == UInt8(ascii: "."), text[7].digit != nil
        else { throw .badVersion }
        // Also 1.2 to 1.9, which nobody has defined: RFC 9110, 2.5, would have us guess that they are like 1.1.
        throw .unsupportedVersion
    }

    // MARK: Fields

    private mutating func parseField(_ line: Range<Int>, of bytes: RawSpan) throws(RequestRefusal) {
        let parts: FieldLine
        do {
            parts = try FieldLine(line, of: bytes)
        } catch {
            switch error {
            case .obsoleteFold: throw .obsoleteFold
            case .badName: throw .badFieldName
            case .spaceBeforeColon: throw .spaceBeforeColon
            }
        }
        guard let field = RequestField(name: bytes.extracting(parts.name)) else { return }
        head.note(field, parts.value)
        try heed(field, bytes.extracting(parts.value))
    }

    /// Takes in what decides where the request goes, where it ends, and what becomes of the connection.
    private mutating func heed(_ field: RequestField, _ value: RawSpan) throws(RequestRefusal) {
        switch field {
        case .host:
            guard !head.isRepeated(.host) else { throw .repeatedHost }
            guard Authority.isValid(value) else { throw .badHost }
        case .contentLength:
            // RFC 9112, 6.3, lets equal ones pass as one. Nobody sends them but who tries what happens.
            guard !head.isRepeated(.contentLength) else { throw .repeatedContentLength }
            guard let count = value.decimal else { throw .badContentLength }
            contentLength = count
        case .transferEncoding:
            guard !head.isRepeated(.transferEncoding) else { throw .badTransferEncoding }
            try Self.checkTransferCodings(value)
            head.body = .chunked
        case .connection:
            options.formUnion(ConnectionOptions(value))
        case .expect:
            guard value.isEqual(ignoringCase: "100-continue") else { throw .unknownExpectation }
            head.expectsContinue = head.version == .http11
        default:
            break
        }
    }

    /// `chunked` passes. A list that does not end with it says nothing about where the body ends (RFC 9112, 6.3).
    private static func checkTransferCodings(_ value: RawSpan) throws(RequestRefusal) {
        guard !value.isEqual(ignoringCase: "chunked") else { return }
        var chunkedCount = 0
        var endsChunked = false
        value.forEachListElement { coding in
            endsChunked = coding.isEqual(ignoringCase: "chunked")
            chunkedCount += endsChunked ? 1 : 0
            return true
        }
        throw endsChunked && chunkedCount == 1 ? .unknownTransferCoding : .badTransferEncoding
    }

    /// What can only be known when all fields were seen.
    private mutating func finish(_ bytes: RawSpan) throws(RequestRefusal) {
        if head.version == .http11, !head.has(.host) { throw .missingHost }
        if head.body == .chunked {
            guard contentLength == nil else { throw .bothLengths }
            // HTTP/1.0 has no transfer codings: the sender may see the body's end elsewhere (RFC 9112, 6.1).
            guard head.version == .http11 else { throw .badTransferEncoding }
        } else if let contentLength, contentLength > 0 {
            head.body = .bytes(contentLength)
        }
        head.keepsAlive =
            !options.contains(.close) && (head.version == .http11 || options.contains(.keepAlive))
        head.byteCount = lines.lineStart
    }
}

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
