/// Lines of an access log in the common log format:
/// `127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "GET /a HTTP/1.1" 200 2326`.
package enum CommonLog {
    /// Appends a line with its end.
    /// - Parameters:
    ///   - client: The address of the client, in text.
    ///   - requestLine: As it was sent: quotes, backslashes and what is not visible ASCII are escaped as `\xXX`. Empty, it is
    ///     written as `-`: none was understood.
    ///   - bodyByteCount: Bytes of the body that were sent; `-` for none.
    ///   - output: Left as it was when the room may not be enough: `maxByteCount` for the lengths.
    /// - Returns: Whether it was appended.
    package static func append(
        client: RawSpan, date: HTTPDate, requestLine: RawSpan, status: ResponseStatus, bodyByteCount: Int,
        to output: inout OutputRawSpan
    ) -> Bool {
        let byteCount = maxByteCount(
            clientByteCount: client.byteCount, requestLineByteCount: requestLine.byteCount)
        guard output.freeCapacity >= byteCount else { return false }
        output.append(copying: client)
        output.append(" - - [")
        append(date, to: &output)
        output.append("] \"")
        if requestLine.isEmpty {
            output.append("-")
        } else {
            append(escaping: requestLine, to: &output)
        }
        output.append("\" ")
        output.append(decimal: Int(status.rawValue))
        output.append(" ")
        if bodyByteCount > 0 {
            output.append(decimal: bodyByteCount)
        } else {
            output.append("-")
        }
        output.append("\n")
        return true
    }

    /// Room that is always enough for a line.
    package static func maxByteCount(clientByteCount: Int, requestLineByteCount: Int) -> Int {
        clientByteCount + 4 * requestLineByteCount + 64
    }

    private static func append(_ date: HTTPDate, to output: inout OutputRawSpan) {
        let parts = date.components
        output.append(twoDigits: parts.day)
        output.append("/")
        output.append(HTTPDate.months[parts.month - 1])
        output.append("/")
        output.append(twoDigits: parts.year / 100)
        output.append(twoDigits: parts.year % 100)
        output.append(":")
        date.appendTime(of: parts, to: &output)
        output.append(" +0000")
    }

    private static func append(escaping text: RawSpan, to output: inout OutputRawSpan) {
        for offset in 0..<text.byteCount {
            let byte = text[offset]
            if (0x20...0x7e).contains(byte), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                output.append(byte)
            } else {
                output.append("\\x")
                output.append(hexadecimal: byte)
            }
        }
    }
}
