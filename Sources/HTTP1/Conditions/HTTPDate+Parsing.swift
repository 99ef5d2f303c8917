extension HTTPDate {
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
