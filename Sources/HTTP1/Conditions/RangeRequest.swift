/// What a `Range` field asks for, of a representation of some length (RFC 9110, 14).
package enum RangeRequest: Equatable, Sendable {
    /// Nothing that is heeded: the whole is sent.
    case whole
    /// These bytes; never empty.
    case part(Range<Int>)
    /// 416.
    case unsatisfiable

    /// - Parameters:
    ///   - value: The field's value. Another unit than `bytes`, a syntax error, or more than one range, is not heeded.
    ///   - length: Bytes of the representation.
    package init(_ value: RawSpan, length: Int) {
        self = .whole
        let unit: StaticString = "bytes="
        guard value.byteCount > unit.utf8CodeUnitCount,
            value.extracting(0..<unit.utf8CodeUnitCount).isEqual(ignoringCase: unit)
        else { return }
        let range = value.extracting(unit.utf8CodeUnitCount..<value.byteCount)
        guard let hyphen = range.firstIndex(of: UInt8(ascii: "-"), in: 0..<range.byteCount) else { return }
        let first = Position(range.extracting(0..<hyphen))
        let last = Position(range.extracting(hyphen + 1..<range.byteCount))
        switch (first, last) {
        case (.absent, .number(let suffix)):
            // Of nothing, the last bytes are nothing: there is no way to say that in a 206.
            guard length > 0 else { return }
            self = suffix == 0 ? .unsatisfiable : .part(max(0, length - suffix)..<length)
        case (.number(let first), .absent):
            self = first < length ? .part(first..<length) : .unsatisfiable
        case (.number(let first), .number(let last)):
            guard first <= last else { return }
            self = first < length ? .part(first..<min(last, length - 1) + 1) : .unsatisfiable
        default:
            return
        }
    }

    private enum Position {
        case absent
        /// `Int.max` where it is more: no representation is as long.
        case number(Int)
        case malformed

        init(_ text: RawSpan) {
            guard text.byteCount > 0 else {
                self = .absent
                return
            }
            for offset in 0..<text.byteCount where text[offset].digit == nil {
                self = .malformed
                return
            }
            self = .number(text.decimal ?? .max)
        }
    }
}
