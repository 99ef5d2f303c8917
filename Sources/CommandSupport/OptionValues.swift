package import ArgumentParser

/// A number of bytes as a user writes it: `512`, `64K`, `1M`, `2G`. The units are powers of 1024.
package struct ByteCount: Equatable, Sendable, CustomStringConvertible {
    package let value: Int

    package init(_ value: Int) { self.value = value }

    /// Nil when the text is not a size.
    package init?(_ text: some StringProtocol) {
        let unit = text.last.flatMap { last in Self.units.first { $0.name == last.uppercased() } }
        let digits = unit == nil ? text[...] : text.dropLast()
        guard digits.allSatisfy({ ("0"..."9").contains($0) }), let number = Int(digits) else {
            return nil
        }
        let (value, overflows) = number.multipliedReportingOverflow(by: unit?.byteCount ?? 1)
        guard !overflows else { return nil }
        self.init(value)
    }

    private static let units: [(name: String, byteCount: Int)] = [("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)]

    /// The size in the largest unit that is exact.
    package var description: String {
        for unit in Self.units where value > 0 && value.isMultiple(of: unit.byteCount) {
            return "\(value / unit.byteCount)\(unit.name)"
        }
        return "\(value)"
    }

    package static func parse(_ text: String, in range: ClosedRange<Int>) throws(ValidationError) -> ByteCount {
        guard let size = ByteCount(text) else {
            throw ValidationError("write a size as bytes or with a unit, such as 512, 64K, 1M or 2G")
        }
        try OptionRange.check(size.value, in: range) { "\(ByteCount($0))" }
        return size
    }
}

/// A length of time as a user writes it: `10`, `0.5` (seconds), `500ms`, `10s`, `2m`, `1h`.
package struct TimeSpan: Equatable, Sendable, CustomStringConvertible {
    package let seconds: Double

    package init(seconds: Double) { self.seconds = seconds }

    /// Nil when the text is not a time.
    package init?(_ text: some StringProtocol) {
        let unit = Self.units.first { text.hasSuffix($0.name) }
        let digits = unit.map { text.dropLast($0.name.count) } ?? text[...]
        guard digits.first?.isNumber == true, digits.allSatisfy({ ("0"..."9").contains($0) || $0 == "." }),
            let number = Double(digits)
        else { return nil }
        self.init(seconds: number * (unit?.seconds ?? 1))
    }

    private static let units: [(name: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]

    /// The time in the largest unit that gives a whole number.
    package var description: String {
        if seconds == 0 { return "0" }
        for unit in Self.units.reversed() {
            let number = (seconds / unit.seconds * 1e6).rounded() / 1e6
            if number >= 1, let whole = Int(exactly: number) { return "\(whole)\(unit.name)" }
        }
        return "\(seconds)s"
    }

    package static func parse(
        _ text: String, in range: ClosedRange<Double>, orZero: Bool = false
    ) throws(ValidationError) -> TimeSpan {
        guard let time = TimeSpan(text) else {
            throw ValidationError("write a time as seconds or with a unit, such as 10, 500ms, 10s, 2m or 1h")
        }
        if orZero, time.seconds == 0 { return time }
        try OptionRange.check(time.seconds, in: range, orZero: orZero) { "\(TimeSpan(seconds: $0))" }
        return time
    }
}

/// Checks that a value is in its accepted range.
private enum OptionRange {
    static func check<Value: Comparable>(
        _ value: Value, in range: ClosedRange<Value>, orZero: Bool = false, named name: (Value) -> String
    ) throws(ValidationError) {
        guard !range.contains(value) else { return }
        let isBounded = range.upperBound as? Int != .max
        let accepted = "\(name(range.lowerBound))\(isBounded ? " to \(name(range.upperBound))" : " or more")"
        throw ValidationError("it must be \(accepted)\(orZero ? ", or 0" : "")")
    }
}

/// Reads a whole number.
private func parseCount<Value: FixedWidthInteger>(
    _ text: String, in range: ClosedRange<Value>
) throws(ValidationError) -> Value {
    guard let count = Value(text), range.contains(count) else {
        let upper = range.upperBound as? Int == .max ? " or more" : " to \(range.upperBound)"
        throw ValidationError("it must be a whole number, \(range.lowerBound)\(upper)")
    }
    return count
}

// A value that begins with a hyphen is taken as the value, so that the message for -1 says what is accepted. The
// parser has no text for a default that it did not parse itself, so the default stands at the end of the help text.

extension Option {
    /// An option for a size in bytes.
    package init(
        wrappedValue: ByteCount, name: NameSpecification = .long, size help: String, in range: ClosedRange<Int>
    ) where Value == ByteCount {
        self.init(
            wrappedValue: wrappedValue, name: name, parsing: .unconditional,
            help: ArgumentHelp("\(help) (default: \(wrappedValue))", valueName: "size")
        ) { text in try ByteCount.parse(text, in: range) }
    }

    /// An option for a size in bytes whose default is in the help text.
    package init(
        name: NameSpecification = .long, size help: String, in range: ClosedRange<Int>
    ) where Value == ByteCount? {
        self.init(
            name: name, parsing: .unconditional, help: ArgumentHelp(help, valueName: "size")
        ) { text in try ByteCount.parse(text, in: range) }
    }

    /// An option for a length of time. With `orZero`, 0 is accepted too, with a meaning of its own.
    package init(
        wrappedValue: TimeSpan, name: NameSpecification = .long, time help: String, in range: ClosedRange<Double>,
        orZero: Bool = false
    ) where Value == TimeSpan {
        self.init(
            wrappedValue: wrappedValue, name: name, parsing: .unconditional,
            help: ArgumentHelp("\(help) (default: \(wrappedValue))", valueName: "time")
        ) { text in try TimeSpan.parse(text, in: range, orZero: orZero) }
    }

    /// An option for a whole number.
    package init(
        wrappedValue: Value, name: NameSpecification = .long, count help: String, valueName: String = "number",
        in range: ClosedRange<Value>
    ) where Value: FixedWidthInteger & Sendable {
        self.init(
            wrappedValue: wrappedValue, name: name, parsing: .unconditional,
            help: ArgumentHelp("\(help) (default: \(wrappedValue))", valueName: valueName)
        ) { text in try parseCount(text, in: range) }
    }

    /// An option for a whole number whose default is in the help text.
    package init(
        name: NameSpecification = .long, count help: String, valueName: String = "number", in range: ClosedRange<Int>
    ) where Value == Int? {
        self.init(
            name: name, parsing: .unconditional, help: ArgumentHelp(help, valueName: valueName)
        ) { text in try parseCount(text, in: range) }
    }
}
