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
