import HTTP1

/// Takes the answers on one connection apart, piece by piece as they come in. Bodies are looked at where they are; of a head
/// only one that comes in several pieces is kept together in memory of its own.
struct ResponseStream {
    enum Step: Equatable {
        case head(ReceivedResponse)
        /// This part of the bytes is of the body.
        case body(Range<Int>)
        /// The answer is complete.
        case end
        /// All bytes are used up.
        case incomplete
        case malformed(ResponseFault)
    }

    private enum State {
        case head
        case body(remaining: Int)
        case chunked
        case untilClose
        case end
    }

    private static let limits = HeadLimits(headByteCount: 64 << 10)

    private var state = State.head
    private var parser = ResponseParser(answering: .get, limits: limits)
    private var chunks = ChunkedDecoder()
    /// The head so far, where it did not come in one piece.
    private var pieces: [UInt8] = []

    /// Whether nothing of an answer has come.
    var isAtStart: Bool {
        if case .head = state { pieces.isEmpty } else { false }
    }

    /// The next step within a piece.
    /// - Parameter offset: Where to go on in it; moved past what the step took.
    mutating func next(in bytes: RawSpan, from offset: inout Int) -> Step {
        switch state {
        case .end:
            state = .head
            return .end
        case .head:
            return offset < bytes.byteCount ? nextOfHead(in: bytes, from: &offset) : .incomplete
        case .body(let remaining):
            let body = offset..<min(bytes.byteCount, offset + remaining)
            guard !body.isEmpty else { return .incomplete }
            offset = body.upperBound
            state = body.count == remaining ? .end : .body(remaining: remaining - body.count)
            return .body(body)
        case .untilClose:
            let body = offset..<bytes.byteCount
            offset = body.upperBound
            return body.isEmpty ? .incomplete : .body(body)
        case .chunked:
            switch chunks.next(in: bytes, from: offset) {
            case .data(let body):
                offset = body.upperBound
                return .body(body)
            case .end(let end):
                offset = end
                state = .head
                return .end
            case .incomplete:
                offset = bytes.byteCount
                return .incomplete
            case .malformed:
                return .malformed(.badChunk)
            }
        }
    }

    private mutating func nextOfHead(in bytes: RawSpan, from offset: inout Int) -> Step {
        let earlier = pieces.count
        let outcome: ResponseParser.Outcome
        if earlier == 0 {
            outcome = parser.parse(bytes.extracting(offset..<bytes.byteCount))
        } else {
            keep(bytes.extracting(offset..<bytes.byteCount))
            // A span of it would hold all of `self`, while the parser changes.
            let pieces = pieces
            outcome = unsafe parser.parse(pieces.span.bytes)
        }
        switch outcome {
        case .incomplete:
            if earlier == 0 { keep(bytes.extracting(offset..<bytes.byteCount)) }
            offset = bytes.byteCount
            return .incomplete
        case .malformed(let fault):
            return .malformed(fault)
        case .head(let head):
            offset += head.byteCount - earlier
            pieces.removeAll(keepingCapacity: true)
            parser = ResponseParser(answering: .get, limits: Self.limits)
            begin(head)
            return .head(head)
        }
    }

    /// Keeps what a head may need, and no more.
    private mutating func keep(_ bytes: RawSpan) {
        let room = Self.limits.headByteCount - pieces.count
        unsafe bytes.withUnsafeBytes { unsafe pieces.append(contentsOf: $0.prefix(room)) }
    }

    private mutating func begin(_ head: ReceivedResponse) {
        switch head.body {
        case .none: state = head.isInterim ? .head : .end
        case .bytes(let count): state = .body(remaining: count)
        case .untilClose: state = .untilClose
        case .chunked:
            chunks = ChunkedDecoder()
            state = .chunked
        }
    }

    /// The server has closed. - Returns: whether that is the end of an answer.
    mutating func ended() -> Bool {
        guard case .untilClose = state else { return false }
        state = .head
        return true
    }
}
