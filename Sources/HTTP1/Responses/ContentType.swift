/// A media type, as `Content-Type` says it.
package struct ContentType: Sendable {
    package let text: StaticString

    package init(_ text: StaticString) { self.text = text }

    package static let octetStream = ContentType("application/octet-stream")
    package static let plainText = ContentType("text/plain; charset=utf-8")
    package static let html = ContentType("text/html; charset=utf-8")
    package static let json = ContentType("application/json")

    /// The type of a file by the extension of its name, in either case; `octetStream` where that says nothing.
    /// - Parameter name: A name or a path.
    package init(ofFile name: RawSpan) {
        var key: UInt64 = 0
        var offset = name.byteCount
        while offset > 0, name[offset - 1] != UInt8(ascii: ".") {
            offset -= 1
            // No extension that is known is longer than a word.
            guard name[offset] != UInt8(ascii: "/"), name.byteCount - offset <= 8 else {
                self = .octetStream
                return
            }
            key |= UInt64(name[offset].lowercased) << UInt64(8 * (name.byteCount - offset - 1))
        }
        // A name without a dot has no extension, and neither has one that begins with its only dot.
        let hasName = offset > 1 && name[offset - 2] != UInt8(ascii: "/")
        self = (hasName ? Self.known[key] : nil) ?? .octetStream
    }
}
