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
