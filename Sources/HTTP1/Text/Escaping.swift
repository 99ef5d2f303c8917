/// Texts made safe for where they are put.
package enum Escaping {
    /// Appends a path for a target or a link: what is not unreserved (RFC 3986, 2.3) or a slash becomes `%XX`.
    /// - Parameter output: Left as it was when the room may not be enough: three bytes for each.
    /// - Returns: Whether it was appended.
    package static func append(percentEncoding path: RawSpan, to output: inout OutputRawSpan) -> Bool {
        guard output.freeCapacity / 3 >= path.byteCount else { return false }
        for offset in 0..<path.byteCount {
            let byte = path[offset]
            if ByteSet.unreserved.contains(byte) || byte == UInt8(ascii: "/") {
                output.append(byte)
            } else {
                output.append("%")
                output.append(hexadecimal: byte)
            }
        }
        return true
    }

    /// Appends a text for the content or a quoted attribute of HTML. Bytes from 0x80 up pass as they are; control characters,
    /// which are allowed in names of files, become U+FFFD.
    /// - Parameter output: Left as it was when the room may not be enough: six bytes for each.
    /// - Returns: Whether it was appended.
    package static func append(html text: RawSpan, to output: inout OutputRawSpan) -> Bool {
        guard output.freeCapacity / 6 >= text.byteCount else { return false }
        for offset in 0..<text.byteCount {
            switch text[offset] {
            case UInt8(ascii: "&"): output.append("&amp;")
            case UInt8(ascii: "<"): output.append("&lt;")
            case UInt8(ascii: ">"): output.append("&gt;")
            case UInt8(ascii: "\""): output.append("&quot;")
            case UInt8(ascii: "'"): output.append("&#39;")
            case 0x00...0x1f, 0x7f: output.append("\u{fffd}")
            case let byte: output.append(byte)
            }
        }
        return true
    }
}
