extension HTTPDate {
    /// A date as it is sent: `Sun, 06 Nov 1994 08:49:37 GMT`. Trivial: a server keeps one for each second.
    package struct Text: Sendable {
        package static let byteCount = 29
        private let bytes: InlineArray<29, UInt8>

        /// Some hundred instructions.
        package init(_ date: HTTPDate) {
            var bytes = InlineArray<29, UInt8>(repeating: 0)
            var count = 0
            var span = bytes.mutableSpan
            // SAFETY: the output checks its bounds, which are the array's.
            unsafe span.withUnsafeMutableBytes { buffer in
                var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
                date.appendText(to: &output)
                count = unsafe output.finalize(for: buffer)
            }
            precondition(count == Self.byteCount)
            self.bytes = bytes
        }

        /// Appends the 29 bytes; traps when they do not fit.
        package func append(to output: inout OutputRawSpan) {
            // SAFETY: bytes have no padding between them.
            output.append(copying: unsafe bytes.span.bytes)
        }
    }

    /// Appends the 29 bytes of an IMF-fixdate (RFC 9110, 5.6.7); traps when they do not fit.
    package func append(to output: inout OutputRawSpan) { appendText(to: &output) }

    private func appendText(to output: inout OutputRawSpan) {
        let parts = components
        output.append(Self.weekdays[parts.weekday])
        output.append(", ")
        output.append(twoDigits: parts.day)
        output.append(" ")
        output.append(Self.months[parts.month - 1])
        output.append(" ")
        output.append(twoDigits: parts.year / 100)
        output.append(twoDigits: parts.year % 100)
        output.append(" ")
        appendTime(of: parts, to: &output)
        output.append(" GMT")
    }

    /// Appends `08:49:37`.
    func appendTime(of parts: Components, to output: inout OutputRawSpan) {
        output.append(twoDigits: parts.hour)
        output.append(":")
        output.append(twoDigits: parts.minute)
        output.append(":")
        output.append(twoDigits: parts.second)
    }
}
