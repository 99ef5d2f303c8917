@testable import HTTP1

/// Calls `body` with the bytes of an array as a span.
func withSpan<Result>(_ bytes: [UInt8], _ body: (RawSpan) -> Result) -> Result {
    body(bytes.span.bytes)
}

func withSpan<Result>(_ text: String, _ body: (RawSpan) -> Result) -> Result { withSpan(Array(text.utf8), body) }

extension String {
    /// What `body` appends to an output with so much room.
    init(capacity: Int = 4096, _ body: (inout OutputRawSpan) -> Void) {
        self.init(decoding: [UInt8](capacity: capacity, body), as: UTF8.self)
    }
}

extension [UInt8] {
    /// What `body` appends to an output with so much room.
    init(capacity: Int, _ body: (inout OutputRawSpan) -> Void) {
        self.init(unsafeUninitializedCapacity: capacity) { buffer, count in
            let bytes = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: capacity)
            var output = OutputRawSpan(buffer: bytes, initializedCount: 0)
            body(&output)
            count = output.finalize(for: bytes)
        }
    }

    subscript(text range: Range<Int>) -> String { String(decoding: self[range], as: UTF8.self) }
}
