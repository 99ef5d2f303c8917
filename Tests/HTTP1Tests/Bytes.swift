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

/// What the parser made of some bytes, given at once.
struct Parsed: Equatable, CustomStringConvertible {
    enum Outcome: Equatable {
        case incomplete, head
        case refused(RequestRefusal)
    }

    let outcome: Outcome
    let head: RequestHead?

    init(_ text: String, limits: HeadLimits = HeadLimits()) { self.init(Array(text.utf8), limits: limits) }

    init(_ bytes: [UInt8], limits: HeadLimits = HeadLimits()) {
        var parser = RequestParser(limits: limits)
        self.init(withSpan(bytes) { parser.parse($0) })
    }

    /// Given in pieces: each call gets the bytes up to the next of the offsets, until one returns something else.
    init(_ bytes: [UInt8], limits: HeadLimits = HeadLimits(), inPiecesEndingAt ends: [Int]) {
        var parser = RequestParser(limits: limits)
        var outcome = RequestParser.Outcome.incomplete
        for end in ends {
            guard case .incomplete = outcome else { break }
            outcome = withSpan(bytes) { parser.parse($0.extracting(0..<end)) }
        }
        self.init(outcome)
    }

    init(_ outcome: RequestParser.Outcome) {
        switch outcome {
        case .incomplete: (self.outcome, head) = (.incomplete, nil)
        case .head(let head): (self.outcome, self.head) = (.head, head)
        case .refused(let refusal): (self.outcome, head) = (.refused(refusal), nil)
        }
    }

    var description: String { head.map { "\(Self.parts(of: $0))" } ?? "\(outcome)" }

    /// Heads are compared by all that they say.
    static func == (left: Parsed, right: Parsed) -> Bool { left.description == right.description }

    private static func parts(of head: RequestHead) -> [String] {
        let fields = RequestField.allCases.map { field in
            "\(field) \(head[field].map { "\($0)" } ?? "-")\(head.isRepeated(field) ? " repeated" : "")"
        }
        return [
            "\(head.method) \(head.version) \(head.targetForm) \(head.body) \(head.keepsAlive) \(head.expectsContinue)",
            "\(head.byteCount) \(head.requestLine) \(head.target) \(head.path) \(head.query)",
        ] + fields
    }
}
