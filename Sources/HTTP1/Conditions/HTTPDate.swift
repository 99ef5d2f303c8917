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

    static let weekdays: InlineArray<7, StaticString> = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
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
