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
