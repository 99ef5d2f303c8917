@testable import HTTP1

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

    init(_ outcome: RequestParser.Outcome) {
        switch outcome {
        case .incomplete: (self.outcome, head) = (.incomplete, nil)
        case .head(let head): (self.outcome, self.head) = (.head, head)
        case .refused(let refusal): (self.outcome, head) = (.refused(refusal), nil)
        }
    }

    var description: String { head.map { "\($0)" } ?? "\(outcome)" }

    /// Heads are compared by all that they say.
    static func == (left: Parsed, right: Parsed) -> Bool { left.description == right.description }
}
