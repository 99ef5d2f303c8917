extension ResponseHead {
    /// Room that is always enough for a head, without its `location` and `otherFields`.
    package static let maxByteCount = 768

    /// Appends the head with the empty line at its end.
    /// - Parameters:
    ///   - location: The value of a `Location`, percent-encoded; none when it is empty.
    ///   - output: Left as it was when the room may not be enough: `maxByteCount` and the lengths of what is not in that.
    /// - Returns: Whether it was written. Allocates nothing.
    package func append(to output: inout OutputRawSpan, location: RawSpan = RawSpan()) -> Bool {
        let byteCount = Self.maxByteCount + location.byteCount + (otherFields?.utf8CodeUnitCount ?? 0)
        guard output.freeCapacity >= byteCount else { return false }
        output.append("HTTP/1.1 ")
        output.append(status.text)
        output.append("\r\n")
        if let date {
            output.append("Date: ")
            date.append(to: &output)
            output.append("\r\n")
        }
        appendContentFields(to: &output)
        appendValidators(to: &output)
        if let allow {
            output.append("Allow: ")
            output.append(allow)
            output.append("\r\n")
        }
        if location.byteCount > 0 {
            output.append("Location: ")
            output.append(copying: location)
            output.append("\r\n")
        }
        if let otherFields { output.append(otherFields) }
        switch connection {
        case .unstated: break
        case .close: output.append("Connection: close\r\n")
        case .keepAlive: output.append("Connection: keep-alive\r\n")
        }
        output.append("\r\n")
        return true
    }

    private func appendContentFields(to output: inout OutputRawSpan) {
        if let contentType {
            output.append("Content-Type: ")
            output.append(contentType.text)
            output.append("\r\n")
        }
        if let contentLength {
            output.append("Content-Length: ")
            output.append(decimal: contentLength)
            output.append("\r\n")
        }
        switch contentRange {
        case nil: break
        case .part(let range, let length):
            output.append("Content-Range: bytes ")
            output.append(decimal: range.lowerBound)
            output.append("-")
            output.append(decimal: range.upperBound - 1)
            output.append("/")
            output.append(decimal: length)
            output.append("\r\n")
        case .unsatisfied(let length):
            output.append("Content-Range: bytes */")
            output.append(decimal: length)
            output.append("\r\n")
        }
    }

    private func appendValidators(to output: inout OutputRawSpan) {
        if acceptsRanges { output.append("Accept-Ranges: bytes\r\n") }
        if let entityTag {
            output.append("ETag: ")
            entityTag.append(to: &output)
            output.append("\r\n")
        }
        if let lastModified {
            output.append("Last-Modified: ")
            lastModified.append(to: &output)
            output.append("\r\n")
        }
    }
}
