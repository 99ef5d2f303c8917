/// A moment as HTTP has it: in whole seconds, of the years 0 to 9999.
package struct HTTPDate: Equatable, Comparable, Sendable {
    /// Seconds since 1970-01-01 00:00:00 UTC, without leap seconds.
    package let secondsSinceEpoch: Int

    private static let range = -62_167_219_200...253_402_300_799

    /// A time outside the years 0 to 9999, which files may have, becomes the nearest inside.
    package init(secondsSinceEpoch: Int) {
        self.secondsSinceEpoch = min(max(secondsSinceEpoch, Self.range.lowerBound), Self.range.upperBound)
    }

    /// Nil where there is no such day or time. A second of 60 is a leap second: the next minute begins.
    init?(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        guard (0...9999).contains(year), (1...12).contains(month),
            (1...Self.dayCount(ofMonth: month, year: year)).contains(day),
            (0...23).contains(hour), (0...59).contains(minute), (0...60).contains(second)
        else { return nil }
        let days = Self.days(year: year, month: month, day: day)
        self.init(secondsSinceEpoch: days * 86_400 + hour * 3600 + minute * 60 + second)
    }

    package static func < (left: HTTPDate, right: HTTPDate) -> Bool {
        left.secondsSinceEpoch < right.secondsSinceEpoch
    }

    private static func dayCount(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 to a day. Years are taken to begin in March, so that a leap day is the last of its year
    /// (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil).
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month > 2 ? year : year - 1
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// The moment by the calendar, in UTC.
    package var components: Components {
        let (day, second) = secondsSinceEpoch.flooringDivision(by: 86_400)
        // civil_from_days of the same source.
        let shifted = day + 719_468
        let (era, dayOfEra) = shifted.flooringDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return Components(
            year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month: month,
            day: dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, hour: second / 3600, minute: second / 60 % 60,
            second: second % 60, weekday: (day + 4).flooringDivision(by: 7).remainder)
    }

    package struct Components: Equatable, Sendable {
        package let year, month, day, hour, minute, second: Int
        /// 0 is Sunday.
        package let weekday: Int
    }

    private static let weekdays: InlineArray<7, StaticString> = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    static let months: InlineArray<12, StaticString> = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

extension Int {
    /// Quotient and remainder of which the latter is never negative.
    fileprivate func flooringDivision(by divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

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

    /// Reads a date in any of the three formats that a recipient must take (RFC 9110, 5.6.7); nil for anything else, and for
    /// days that do not exist. That the weekday is the right one is not checked.
    ///
    /// - Parameter now: Tells what a year of two digits means: never more than 50 years ahead.
    package init?(_ text: RawSpan, now: HTTPDate) {
        guard text.byteCount > 3 else { return nil }
        if text[3] == UInt8(ascii: ",") {
            self.init(fixed: text)
        } else if text[3] == UInt8(ascii: " ") {
            self.init(asctime: text)
        } else {
            self.init(obsolete: text, now: now)
        }
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private init?(fixed text: RawSpan) {
        guard text.byteCount == 29, Self.index(of: text.extracting(0..<3), in: Self.weekdays) != nil,
            text.extracting(3..<5).isEqual(to: ", "), text[7] == 0x20, text[11] == 0x20, text[16] == 0x20,
            text.extracting(25..<29).isEqual(to: " GMT"),
            let day = text.extracting(5..<7).decimal,
            let month = Self.index(of: text.extracting(8..<11), in: Self.months),
            let year = text.extracting(12..<16).decimal
        else { return nil }
        self.init(year: year, month: month + 1, day: day, time: text.extracting(17..<25))
    }

    /// `Sun Nov  6 08:49:37 1994`
    private init?(asctime text: RawSpan) {
        guard text.byteCount == 24, Self.index(of: text.extracting(0..<3), in: Self.weekdays) != nil,
            text[7] == 0x20, text[10] == 0x20, text[19] == 0x20,
            let month = Self.index(of: text.extracting(4..<7), in: Self.months),
            let day = text.extracting(text[8] == 0x20 ? 9..<10 : 8..<10).decimal,
            let year = text.extracting(20..<24).decimal
        else { return nil }
        self.init(year: year, month: month + 1, day: day, time: text.extracting(11..<19))
    }

    /// `Sunday, 06-Nov-94 08:49:37 GMT`
    private init?(obsolete text: RawSpan, now: HTTPDate) {
        guard let comma = text.firstIndex(of: UInt8(ascii: ","), in: 0..<text.byteCount),
            Self.index(of: text.extracting(0..<comma), in: Self.longWeekdays) != nil,
            text.byteCount == comma + 24
        else { return nil }
        let rest = text.extracting(comma..<text.byteCount)
        guard rest[1] == 0x20, rest[4] == UInt8(ascii: "-"), rest[8] == UInt8(ascii: "-"), rest[11] == 0x20,
            rest.extracting(20..<24).isEqual(to: " GMT"),
            let day = rest.extracting(2..<4).decimal,
            let month = Self.index(of: rest.extracting(5..<8), in: Self.months),
            let yearOfCentury = rest.extracting(9..<11).decimal
        else { return nil }
        let thisYear = now.components.year
        var year = thisYear - thisYear % 100 + yearOfCentury
        if year > thisYear + 50 { year -= 100 }
        self.init(year: year, month: month + 1, day: day, time: rest.extracting(12..<20))
    }

    /// With a time such as `08:49:37`.
    private init?(year: Int, month: Int, day: Int, time: RawSpan) {
        guard time[2] == UInt8(ascii: ":"), time[5] == UInt8(ascii: ":"),
            let hour = time.extracting(0..<2).decimal, let minute = time.extracting(3..<5).decimal,
            let second = time.extracting(6..<8).decimal
        else { return nil }
        self.init(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
    }

    private static let longWeekdays: InlineArray<7, StaticString> = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// Names of days and months are case-sensitive.
    private static func index<let count: Int>(
        of name: RawSpan, in names: InlineArray<count, StaticString>
    ) -> Int? {
        for index in names.indices where name.isEqual(to: names[index]) { return index }
        return nil
    }
}
