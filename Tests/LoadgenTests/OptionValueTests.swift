import ArgumentParser
import CommandSupport
import Testing

@testable import loadgen

@Suite("Values of options")
struct OptionValueTests {
    @Test(
        "A size is bytes, or has a unit that is a power of 1024",
        arguments: [
            ("0", 0), ("1", 1), ("512", 512), ("64K", 65_536), ("64k", 65_536), ("1M", 1 << 20), ("3g", 3 << 30),
        ])
    func sizes(text: String, byteCount: Int) {
        #expect(ByteCount(text)?.value == byteCount)
    }

    @Test(
        "What is not a size is none",
        arguments: [
            "", "K", "12Q", "1.5M", "-1", "+1", "1 K", "64KB", "0x10", "1e3", "9999999999G", "99999999999999999999",
            "٣",
        ])
    func noSizes(text: String) {
        #expect(ByteCount(text) == nil)
    }

    @Test(
        "A size is written in the largest unit that is exact, and reads back",
        arguments: [(0, "0"), (1000, "1000"), (1024, "1K"), (1536, "1536"), (16 << 20, "16M"), (1 << 30, "1G")])
    func sizeTexts(byteCount: Int, text: String) {
        #expect(ByteCount(byteCount).description == text)
        #expect(ByteCount(text)?.value == byteCount)
    }

    @Test(
        "A time is seconds, or has a unit",
        arguments: [
            ("0", 0), ("10", 10), ("0.5", 0.5), ("500ms", 0.5), ("10s", 10), ("1.5s", 1.5), ("2m", 120), ("1h", 3600),
        ])
    func times(text: String, seconds: Double) throws {
        #expect(abs(try #require(TimeSpan(text)).seconds - seconds) < 1e-9)
    }

    @Test(
        "What is not a time is none",
        arguments: ["", "s", "ms", "10x", "-1", "+1", "nan", "inf", "1e3", "0x10", ".5", "1..2", "1 s", "1d", "٣s"])
    func noTimes(text: String) {
        #expect(TimeSpan(text) == nil)
    }

    @Test(
        "A time is written in the largest unit that is whole, and reads back",
        arguments: [
            (0.0, "0"), (0.05, "50ms"), (0.1, "100ms"), (0.3, "300ms"), (0.5, "500ms"), (1, "1s"), (10, "10s"),
            (90, "90s"), (600, "10m"), (86_400, "24h"), (1.5, "1500ms"),
        ])
    func timeTexts(seconds: Double, text: String) throws {
        #expect(TimeSpan(seconds: seconds).description == text)
        #expect(abs(try #require(TimeSpan(text)).seconds - seconds) < 1e-9)
    }

    @Test("What is out of range is refused with the range")
    func ranges() throws {
        #expect(try ByteCount.parse("4K", in: 4096...8192).value == 4096)
        #expect(throws: Refusal("it must be 4K to 8K")) {
            try refusal { _ = try ByteCount.parse("9K", in: 4096...8192) }
        }
        #expect(throws: Refusal("it must be 1 or more")) {
            try refusal { _ = try ByteCount.parse("0", in: 1...Int.max) }
        }
        #expect(try TimeSpan.parse("0", in: 0.1...60, orZero: true).seconds == 0)
        #expect(throws: Refusal("it must be 100ms to 1m")) { try refusal { _ = try TimeSpan.parse("0", in: 0.1...60) } }
        #expect(throws: Refusal("it must be 100ms to 1m, or 0")) {
            try refusal { _ = try TimeSpan.parse("2m", in: 0.1...60, orZero: true) }
        }
    }

    private struct Refusal: Error, Equatable {
        let text: String
        init(_ text: String) { self.text = text }
    }

    private func refusal(_ parse: () throws -> Void) throws {
        do { try parse() } catch { throw Refusal("\(error)") }
    }

    @Test(
        "A misspelt subcommand is named, and the closest one offered",
        arguments: [
            (["ecko"], "There is no subcommand 'ecko'. Did you mean 'echo'?"),
            (["comp", "x", "y"], "There is no subcommand 'comp'. Did you mean 'compare'?"),
            (["help", "worht"], "There is no subcommand 'worht'. Did you mean 'worth'?"),
            (["/srv/www"], "There is no subcommand '/srv/www'. Use one of: echo, http, compare, worth."),
            (["htp", "http://h/"], "There is no subcommand 'htp'. Did you mean 'http'?"),
        ])
    func misspelt(arguments: [String], message: String) {
        let error = #expect(throws: ValidationError.self) { try Loadgen.checkSubcommand(in: arguments) }
        #expect(error?.message == message)
    }

    @Test(
        "What is a subcommand, asks for help, or is an option is left to the parser",
        arguments: [
            [], ["echo", "x"], ["sample"], ["help"], ["help", "echo"], ["--help"], ["-h"], ["--version"],
            ["--nonsense"],
        ])
    func subcommands(arguments: [String]) {
        #expect(throws: Never.self) { try Loadgen.checkSubcommand(in: arguments) }
    }
}
