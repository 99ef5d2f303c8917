/// Parses the head of one response in place, in however many pieces it arrives, as `RequestParser` does with requests. It
/// heeds what frames the body, and nothing else.
package struct ResponseParser: Sendable {
    package enum Outcome: Equatable, Sendable {
        /// The head has not ended: call again when more has arrived.
        case incomplete
        case head(ReceivedResponse)
        case malformed(ResponseFault)
    }

    private let limits: HeadLimits
    private let isBodiless: Bool
    private var lines = LineScanner()
    private var hasStatusLine = false
    private var response = ReceivedResponse()
    private var contentLength: Int?
    private var isChunked = false
    private var isHTTP10 = false
    private var options = ConnectionOptions()

    /// - Parameter method: Of the request that is answered: the answer to HEAD has no body, whatever it says.
    package init(answering method: RequestMethod, limits: HeadLimits = HeadLimits()) {
        self.limits = limits
        isBodiless = method == .head
    }

    /// Goes on with a head. Not to be called again once it has returned a head or a fault.
    /// - Parameter bytes: All that has arrived from the head's first byte on; what follows the head may be among it.
    package mutating func parse(_ bytes: RawSpan) -> Outcome {
        do throws(ResponseFault) {
            while let line = try nextLine(of: bytes) {
                if !hasStatusLine {
                    try parseStatusLine(bytes.extracting(line))
                    hasStatusLine = true
                } else if line.isEmpty {
                    try finish()
                    return .head(response)
                } else {
                    try parseField(line, of: bytes)
                }
            }
            return .incomplete
        } catch {
            return .malformed(error)
        }
    }

    private mutating func nextLine(of bytes: RawSpan) throws(ResponseFault) -> Range<Int>? {
        switch lines.next(in: bytes, limit: limits.headByteCount) {
        case .line(let line): return line
        case .fault(.bareLineFeed): throw .bareLineFeed
        case .fault(.bareCarriageReturn): throw .bareCarriageReturn
        case .fault(.controlCharacter): throw .controlCharacter
        case .incomplete:
            guard bytes.byteCount < limits.headByteCount else { throw .headTooLarge }
            return nil
        }
    }

    /// `HTTP/1.1 200 OK`; the reason may be missing, and with it its space.
    private mutating func parseStatusLine(_ line: RawSpan) throws(ResponseFault) {
        guard line.byteCount >= 12, line[8] == 0x20, line.byteCount == 12 || line[12] == 0x20,
            let status = line.extracting(9..<12).decimal, status >= 100
        else { throw .badStatusLine }
        isHTTP10 = line.extracting(0..<8).isEqual(to: "HTTP/1.0")
        guard isHTTP10 || line.extracting(0..<8).isEqual(to: "HTTP/1.1") else { throw .badStatusLine }
        response.status = status
    }

    private mutating func parseField(_ line: Range<Int>, of bytes: RawSpan) throws(ResponseFault) {
        guard let field = try? FieldLine(line, of: bytes) else { throw .badField }
        let name = bytes.extracting(field.name)
        let value = bytes.extracting(field.value)
        if name.isEqual(ignoringCase: "content-length") {
            guard let count = value.decimal, contentLength == nil || contentLength == count else {
                throw .badContentLength
            }
            contentLength = count
        } else if name.isEqual(ignoringCase: "transfer-encoding") {
            guard !isChunked, value.isEqual(ignoringCase: "chunked") else { throw .unknownTransferCoding }
            isChunked = true
        } else if name.isEqual(ignoringCase: "connection") {
            options.formUnion(ConnectionOptions(value))
        }
    }

    private mutating func finish() throws(ResponseFault) {
        guard !isChunked || contentLength == nil else { throw .bothLengths }
        if isBodiless || response.isInterim || response.status == 204 || response.status == 304 {
            response.body = .none
        } else if isChunked {
            response.body = .chunked
        } else if let contentLength {
            response.body = contentLength == 0 ? .none : .bytes(contentLength)
        } else {
            response.body = .untilClose
        }
        response.keepsAlive =
            !options.contains(.close) && (!isHTTP10 || options.contains(.keepAlive)) && response.body != .untilClose
        response.byteCount = lines.lineStart
    }
}

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

/// Finds the data of a chunked body (RFC 9112, 7.1) in place, in however many pieces it arrives. Extensions and trailers are
/// passed over.
package struct ChunkedDecoder: Sendable {
    package enum Step: Equatable, Sendable {
        /// This part of the bytes is data; go on after it.
        case data(Range<Int>)
        /// All bytes are used up, and the body goes on.
        case incomplete
        /// The body has ended; what follows begins here.
        case end(Int)
        case malformed
    }

    private enum State {
        case size(digitCount: Int)
        case sizeExtension
        case sizeLineFeed
        case data
        case dataCarriageReturn
        case dataLineFeed
        /// At the start of a trailer line, or of the empty line that ends the body.
        case trailerStart
        case trailer
        case trailerLineFeed
        case lastLineFeed

        var isLast: Bool {
            if case .lastLineFeed = self { true } else { false }
        }
    }

    private var state = State.size(digitCount: 0)
    /// Bytes of the chunk that are to come.
    private var remaining = 0
    /// Bytes of extensions and trailers so far.
    private var overheadByteCount = 0

    /// More of extensions and trailers is malformed.
    package static let maxOverheadByteCount = 64 << 10

    package init() {}

    /// Looks at a piece from an offset on, up to the next data.
    package mutating func next(in bytes: RawSpan, from start: Int) -> Step {
        var offset = start
        while offset < bytes.byteCount {
            if case .data = state {
                let data = offset..<offset + min(remaining, bytes.byteCount - offset)
                remaining -= data.count
                if remaining == 0 { state = .dataCarriageReturn }
                return .data(data)
            }
            let isEnd = state.isLast
            guard let next = next(after: bytes[offset]) else { return .malformed }
            offset += 1
            if isEnd { return .end(offset) }
            state = next
        }
        return .incomplete
    }

    /// The state after a byte that is no data; nil when it may not stand there.
    private mutating func next(after byte: UInt8) -> State? {
        let (carriageReturn, lineFeed) = (UInt8(0x0d), UInt8(0x0a))
        switch state {
        case .size(let digitCount):
            if let digit = byte.hexadecimalDigit {
                guard digitCount < 15 else { return nil }
                remaining = remaining << 4 | Int(digit)
                return .size(digitCount: digitCount + 1)
            }
            guard digitCount > 0 else { return nil }
            if byte == carriageReturn { return .sizeLineFeed }
            return byte == UInt8(ascii: ";") || byte.isBlank ? .sizeExtension : nil
        case .sizeExtension:
            return byte == carriageReturn ? .sizeLineFeed : passesOver(byte) ? .sizeExtension : nil
        case .sizeLineFeed:
            return byte == lineFeed ? (remaining > 0 ? .data : .trailerStart) : nil
        case .data, .dataCarriageReturn:
            return byte == carriageReturn ? .dataLineFeed : nil
        case .dataLineFeed:
            return byte == lineFeed ? .size(digitCount: 0) : nil
        case .trailerStart:
            return byte == carriageReturn ? .lastLineFeed : passesOver(byte) ? .trailer : nil
        case .trailer:
            return byte == carriageReturn ? .trailerLineFeed : passesOver(byte) ? .trailer : nil
        case .trailerLineFeed:
            return byte == lineFeed ? .trailerStart : nil
        case .lastLineFeed:
            return byte == lineFeed ? .lastLineFeed : nil
        }
    }

    private mutating func passesOver(_ byte: UInt8) -> Bool {
        overheadByteCount += 1
        return (byte >= 0x20 || byte == 0x09) && byte != 0x7f && overheadByteCount <= Self.maxOverheadByteCount
    }
}
