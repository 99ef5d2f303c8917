/// The loop of `RequestPath`: one byte after the other, with what is known of the segment that it stands in.
struct PathDecoder {
    /// Where the decoded path begins in the output.
    private let start: Int
    private var hasHiddenSegment = false
    /// Whether a slash is due before the next byte.
    private var isSlashDue = false
    /// Bytes since the last separator, and how many of them were dots; `\` separates too, for this question only.
    private var segmentByteCount = 0
    private var segmentDotCount = 0

    init(start: Int) { self.start = start }

    mutating func append(
        _ path: RawSpan, to output: inout OutputRawSpan
    ) throws(PathRefusal) -> RequestPath.Decoded {
        guard path.byteCount > 0 else { return RequestPath.Decoded(endsInSlash: true, hasHiddenSegment: false) }
        let slash = UInt8(ascii: "/")
        guard path[0] == slash else { throw .relative }
        var offset = 0
        while offset < path.byteCount {
            var byte = path[offset]
            if byte == slash {
                try endSegment()
                isSlashDue = output.byteCount > start
                offset += 1
                continue
            }
            if byte == UInt8(ascii: "%") {
                byte = try Self.unescaped(path, at: offset)
                guard byte != slash else { throw .encodedSlash }
                offset += 2
            }
            guard byte != 0 else { throw .nul }
            offset += 1
            guard output.freeCapacity > (isSlashDue ? 1 : 0) else { throw .tooLong }
            if isSlashDue { output.append(slash) }
            isSlashDue = false
            output.append(byte)
            try take(byte)
        }
        try endSegment()
        return RequestPath.Decoded(
            endsInSlash: path[path.byteCount - 1] == slash, hasHiddenSegment: hasHiddenSegment)
    }

    private static func unescaped(_ path: RawSpan, at offset: Int) throws(PathRefusal) -> UInt8 {
        guard offset + 2 < path.byteCount, let high = path[offset + 1].hexadecimalDigit,
            let low = path[offset + 2].hexadecimalDigit
        else { throw .badEscape }
        return high << 4 | low
    }

    private mutating func take(_ byte: UInt8) throws(PathRefusal) {
        guard byte != UInt8(ascii: "\\") else { return try endSegment() }
        if byte == UInt8(ascii: ".") {
            if segmentByteCount == 0 { hasHiddenSegment = true }
            segmentDotCount += 1
        }
        segmentByteCount += 1
    }

    private mutating func endSegment() throws(PathRefusal) {
        guard segmentDotCount != segmentByteCount || !(1...2).contains(segmentDotCount) else { throw .dotSegment }
        segmentByteCount = 0
        segmentDotCount = 0
    }
}
