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

/// A field line, taken apart (RFC 9112, 5).
struct FieldLine {
    enum Fault: Error {
        case obsoleteFold
        case badName
        case spaceBeforeColon
    }

    let name: Range<Int>
    /// Without the spaces and tabs around it.
    let value: Range<Int>

    /// - Parameter line: Not empty.
    init(_ line: Range<Int>, of bytes: RawSpan) throws(Fault) {
        guard !bytes[line.lowerBound].isBlank else { throw .obsoleteFold }
        var colon = line.lowerBound
        while colon < line.upperBound, ByteSet.token.contains(bytes[colon]) { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound else { throw .badName }
        guard bytes[colon] == UInt8(ascii: ":") else {
            throw bytes[colon].isBlank ? .spaceBeforeColon : .badName
        }
        name = line.lowerBound..<colon
        value = bytes.trimmed(colon + 1..<line.upperBound)
    }
}

/// The connection options that mean something to us (RFC 9110, 7.6.1; RFC 9112, 9.3).
struct ConnectionOptions: OptionSet, Sendable {
    let rawValue: UInt8

    static let close = ConnectionOptions(rawValue: 1)
    static let keepAlive = ConnectionOptions(rawValue: 2)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What the value of a `Connection` field lists.
    init(_ value: RawSpan) {
        var options: ConnectionOptions = []
        value.forEachListElement { option in
            if option.isEqual(ignoringCase: "close") { options.insert(.close) }
            if option.isEqual(ignoringCase: "keep-alive") { options.insert(.keepAlive) }
            return true
        }
        self = options
    }
}

/// A piece of a head by its place, in a word. Nothing stands at the very start of a head but a method or a version, so that
/// the empty range at 0 can stand for "absent".
struct ByteRange: Sendable, Equatable {
    static let absent = ByteRange(0..<0)

    private let start: UInt32
    private let end: UInt32

    init(_ range: Range<Int>) {
        start = UInt32(range.lowerBound)
        end = UInt32(range.upperBound)
    }

    var range: Range<Int> { Int(start)..<Int(end) }
}

/// How large the head of a message may be. A head that is larger is refused as soon as that is seen.
package struct HeadLimits: Sendable {
    /// Bytes of a whole head, the empty line at its end included: past it 431, or 414 when not even the request line fits.
    package var headByteCount: Int
    /// Bytes of a request's target: past it 414.
    package var targetByteCount: Int

    /// Traps unless both are positive, and a head is at most 1 GiB.
    package init(headByteCount: Int = 16 << 10, targetByteCount: Int = 8 << 10) {
        precondition((1...1 << 30).contains(headByteCount) && targetByteCount > 0, "a head is from 1 B to 1 GiB")
        self.headByteCount = headByteCount
        self.targetByteCount = targetByteCount
    }
}
