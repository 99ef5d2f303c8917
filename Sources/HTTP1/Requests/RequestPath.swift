/// The path of a request, decoded to the relative path of a file.
package enum RequestPath {
    /// What is to be known of a path beside its bytes.
    package struct Decoded: Equatable, Sendable {
        /// Whether it was written with a slash at its end, as the root is: it means a directory.
        package var endsInSlash: Bool
        /// Whether a segment begins with a dot.
        package var hasHiddenSegment: Bool
    }

    package enum Outcome: Equatable, Sendable {
        case decoded(Decoded)
        case refused(PathRefusal)
    }

    /// Decodes a path, and appends it without slashes at its ends: `/a%20b//c/` is `a b/c`, and `/` is nothing.
    ///
    /// Percent escapes are decoded once: `%252e` is the name `%2e`. What comes out is valid UTF-8 without NUL, and no segment
    /// of it is empty, `.` or `..`, also where `\` separates segments. Empty segments are dropped. An escaped slash is refused:
    /// no name has one.
    /// - Parameters:
    ///   - path: As in `RequestHead.path`: empty, or with a slash at its start.
    ///   - output: Left as it was when the path is refused. Room for `path.byteCount` is always enough.
    /// - Returns: `.refused(.tooLong)` when the room does not suffice.
    package static func append(decoding path: RawSpan, to output: inout OutputRawSpan) -> Outcome {
        let start = output.byteCount
        do throws(PathRefusal) {
            var decoder = PathDecoder(start: start)
            let decoded = try decoder.append(path, to: &output)
            guard UTF8Text.isValid(output.bytes.extracting(start..<output.byteCount)) else { throw .notUTF8 }
            return .decoded(decoded)
        } catch {
            output.removeLast(output.byteCount - start)
            return .refused(error)
        }
    }
}

/// Why a path is refused. A request with such a path is answered with the status; its connection may stay open, since its
/// framing is sound, but nobody asks so by mistake: the server closes it.
package enum PathRefusal: Error, Equatable, Sendable, CaseIterable {
    /// `%` without two hexadecimal digits.
    case badEscape
    /// `.` or `..` as a whole segment, in any disguise.
    case dotSegment
    /// `%2F`.
    case encodedSlash
    case nul
    /// What comes out is not UTF-8: overlong forms and surrogates included.
    case notUTF8
    /// No slash at its start.
    case relative
    case tooLong

    package var status: ResponseStatus { self == .tooLong ? .uriTooLong : .badRequest }
}

/// The loop of `RequestPath`: one byte after the other, with what is known of the segment that it stands in.
private struct PathDecoder {
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
