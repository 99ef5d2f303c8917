/// Finds the lines of a head, in however many pieces it arrives. Every byte is looked at once, eight at a time.
///
/// A line ends with CR LF. No other control character may stand in one but a tab (RFC 9112, 2.2; RFC 9110, 5.5): a lenient
/// reader on the way, which takes a bare LF or CR for a line's end, would see other lines than we do.
struct LineScanner: Sendable {
    enum Step: Equatable {
        /// A line, without its end.
        case line(Range<Int>)
        /// The bytes so far end within a line.
        case incomplete
        case fault(LineFault)
    }

    enum LineFault: Equatable {
        case bareLineFeed
        case bareCarriageReturn
        case controlCharacter
    }

    /// Where the line begins that is looked at; after the last line, where the head ends.
    private(set) var lineStart: Int
    /// The bytes before it are known to be no control characters but tabs.
    private var scannedByteCount: Int

    /// - Parameter offset: Where the first line begins.
    init(startingAt offset: Int = 0) {
        lineStart = offset
        scannedByteCount = offset
    }

    /// Looks for the next line.
    /// - Parameters:
    ///   - bytes: All that has arrived since the start of the head.
    ///   - limit: Bytes from there on are not looked at.
    mutating func next(in bytes: RawSpan, limit: Int) -> Step {
        let end = min(bytes.byteCount, limit)
        var offset = scannedByteCount
        while true {
            offset = Self.firstControl(in: bytes, offset..<end)
            scannedByteCount = offset
            guard offset < end else { return .incomplete }
            switch bytes[offset] {
            case 0x09:
                offset += 1
            case 0x0d:
                guard offset + 1 < end else { return .incomplete }
                guard bytes[offset + 1] == 0x0a else { return .fault(.bareCarriageReturn) }
                let line = lineStart..<offset
                lineStart = offset + 2
                scannedByteCount = lineStart
                return .line(line)
            case 0x0a:
                return .fault(.bareLineFeed)
            default:
                return .fault(.controlCharacter)
            }
        }
    }

    /// Where the first control character is, or the end of the range.
    private static func firstControl(in bytes: RawSpan, _ range: Range<Int>) -> Int {
        var offset = range.lowerBound
        let ones: UInt64 = 0x0101_0101_0101_0101
        while offset + 8 <= range.upperBound {
            let word = bytes.word(at: offset)
            // The high bit of every byte below 0x20, and of every byte that is 0x7f ("Bit Twiddling Hacks", S. Anderson). A
            // borrow can set bits above the first right one, never below it.
            let below = (word &- ones &* 0x20) & ~word
            let delete = word ^ (ones &* 0x7f)
            let found = (below | ((delete &- ones) & ~delete)) & (ones &* 0x80)
            if found != 0 { return offset + found.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < range.upperBound {
            let byte = bytes[offset]
            if byte < 0x20 || byte == 0x7f { break }
            offset += 1
        }
        return offset
    }
}
