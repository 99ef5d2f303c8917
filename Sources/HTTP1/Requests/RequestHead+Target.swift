extension RequestHead {
    /// Takes the target apart by its form (RFC 9112, 3.2). The method is known, and there is a target.
    mutating func parseTarget(_ target: Range<Int>, of bytes: RawSpan) throws(RequestRefusal) {
        for offset in target where !ByteSet.target.contains(bytes[offset]) { throw .badTarget }
        targetRange = ByteRange(target)
        pathRange = ByteRange(target.upperBound..<target.upperBound)
        if method == .connect {
            guard Authority.isValid(bytes.extracting(target)) else { throw .badTarget }
            targetForm = .authority
        } else if bytes[target.lowerBound] == UInt8(ascii: "/") {
            targetForm = .origin
            setPath(target, of: bytes)
        } else if method == .options, target.count == 1, bytes[target.lowerBound] == UInt8(ascii: "*") {
            targetForm = .asterisk
        } else {
            try parseAbsoluteTarget(target, of: bytes)
        }
    }

    private mutating func parseAbsoluteTarget(_ target: Range<Int>, of bytes: RawSpan) throws(RequestRefusal) {
        // A proxy that ends TLS may send the latter.
        guard
            let start = Self.end(of: "http://", at: target, of: bytes)
                ?? Self.end(of: "https://", at: target, of: bytes)
        else { throw .badTarget }
        var end = start
        while end < target.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") { end += 1 }
        guard Authority.isValid(bytes.extracting(start..<end)) else { throw .badTarget }
        targetForm = .absolute
        setPath(end..<target.upperBound, of: bytes)
    }

    /// Where the authority of a target with that scheme begins.
    private static func end(of scheme: StaticString, at target: Range<Int>, of bytes: RawSpan) -> Int? {
        let end = target.lowerBound + scheme.utf8CodeUnitCount
        guard end <= target.upperBound, bytes.extracting(target.lowerBound..<end).isEqual(ignoringCase: scheme) else {
            return nil
        }
        return end
    }

    /// The path ends where the query begins.
    private mutating func setPath(_ range: Range<Int>, of bytes: RawSpan) {
        let end = bytes.firstIndex(of: UInt8(ascii: "?"), in: range) ?? range.upperBound
        pathRange = ByteRange(range.lowerBound..<end)
    }
}
