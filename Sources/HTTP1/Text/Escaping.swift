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

    /// A text for the content or a quoted attribute of HTML. What controls how text is laid out becomes U+FFFD, so that it is
    /// seen: names of files may have it.
    package static func html(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case let scalar where scalar.controlsLayout: escaped += "\u{fffd}"
            case let scalar: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A text for a string of JSON, between its quotes. What controls how text is laid out is escaped too, though only some of
    /// it has to be.
    package static func json(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": escaped += "\\\""
            case "\\": escaped += "\\\\"
            case let scalar where scalar.controlsLayout:
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            case let scalar: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}

extension Unicode.Scalar {
    /// Whether it shows nothing itself, but changes how what is around it is shown: a control character, the end of a line, or
    /// what has text change its direction, so that one name is read as another. None of them is past U+FFFF.
    fileprivate var controlsLayout: Bool {
        switch properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: properties.isBidiControl
        }
    }
}
