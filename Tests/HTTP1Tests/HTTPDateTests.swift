import TestSupport
import Glibc
import Testing

@testable import HTTP1

@Suite("Dates")
struct HTTPDateTests {
    private static let now = HTTPDate(secondsSinceEpoch: 1_700_000_000)

    private func parse(_ text: String, now: HTTPDate = now) -> Int? {
        withSpan(text) { HTTPDate($0, now: now) }?.secondsSinceEpoch
    }

    private func text(_ seconds: Int) -> String {
        String { HTTPDate(secondsSinceEpoch: seconds).append(to: &$0) }
    }

    @Test("The three formats of RFC 9110, 5.6.7, are the same moment")
    func formats() {
        for text in ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"] {
            #expect(parse(text) == 784_111_777, "\(text)")
        }
        #expect(text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(parse("Sat Nov 12 08:49:37 1994") == 784_111_777 + 6 * 86_400)
    }

    @Test("Dates are written as the C library writes them, and read again, from the first year to the last")
    func roundTrip() {
        var generator = SeededGenerator.announced(variable: "ZEROPOOL_HTTP1_SEED")
        let (first, last) = (-62_167_219_200, 253_402_300_799)
        let edges = [first, last, 0, -1, 1, 951_782_399, 951_782_400, 951_868_800, 4_107_542_399, 4_107_542_400]
        for seconds in edges + (0..<5000).map({ _ in generator.integer(first, last) }) {
            var time = time_t(seconds)
            var parts = tm()
            gmtime_r(&time, &parts)
            var buffer = [CChar](repeating: 0, count: 64)
            // %Y has no zeros before the years up to 999.
            let count = strftime(&buffer, buffer.count, "%a, %d %b ", &parts)
            let year = String(String(10_000 + Int(parts.tm_year) + 1900).dropFirst())
            var rest = [CChar](repeating: 0, count: 64)
            let restCount = strftime(&rest, rest.count, " %H:%M:%S GMT", &parts)
            let bytes = (buffer[..<count] + rest[..<restCount]).map { UInt8(bitPattern: $0) }
            let expected =
                String(decoding: bytes[..<count], as: UTF8.self) + year
                + String(decoding: bytes[count...], as: UTF8.self)
            #expect(text(seconds) == expected)
            #expect(parse(expected) == seconds)
        }
    }

    @Test("A time outside the years that have four digits becomes the nearest inside")
    func clamps() {
        #expect(text(.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
        #expect(text(.min) == "Sat, 01 Jan 0000 00:00:00 GMT")
    }

    @Test("A date that is kept as text is the same text")
    func kept() {
        let date = HTTPDate(secondsSinceEpoch: 1_234_567_890)
        #expect(String { HTTPDate.Text(date).append(to: &$0) } == "Fri, 13 Feb 2009 23:31:30 GMT")
    }

    @Test("A year of two digits is the one that is at most 50 years ahead")
    func twoDigitYears() {
        let now = HTTPDate(secondsSinceEpoch: 1_700_000_000)  // 2023
        func year(_ digits: String) -> Int? {
            parse("Monday, 01-Jan-\(digits) 00:00:00 GMT", now: now)
                .map { HTTPDate(secondsSinceEpoch: $0).components.year }
        }
        #expect(
            year("23") == 2023 && year("73") == 2073 && year("74") == 1974 && year("99") == 1999 && year("00") == 2000)
    }

    @Test(
        "What is no date, or no day, is none",
        arguments: [
            "", "x", "Sun", "Sun,", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
            "sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 29 Feb 1900 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT", "Son, 06 Nov 1994 08:49:37 GMT", "784111777",
            "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06 Nov 94 08:49:37 GMT", "Sunday 06-Nov-94 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37", "Sun Nov 6 08:49:37 1994", "Sun Nov 06 08:49:37 94",
            "Sun Nov  6 08:49:37 1994 GMT",
            "Sunday,", "Sun Nov", "Sun, 06 Nov 1994 08:49:37 GM", "Sun, 06 Nov 1994 08:49:3x GMT",
        ])
    func refuses(text: String) {
        #expect(parse(text) == nil)
    }

    @Test("Leap days and leap seconds")
    func leaps() {
        #expect(parse("Tue, 29 Feb 2000 00:00:00 GMT") == 951_782_400)
        #expect(parse("Sat, 31 Dec 2016 23:59:60 GMT") == parse("Sun, 01 Jan 2017 00:00:00 GMT"))
    }
}
