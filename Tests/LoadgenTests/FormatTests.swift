import Testing

@testable import loadgen

@Suite("Numbers as text")
struct FormatTests {
    @Test("Whole numbers have their thousands apart")
    func grouped() {
        #expect(Format.grouped(0) == "0")
        #expect(Format.grouped(999.4) == "999")
        #expect(Format.grouped(1000) == "1,000")
        #expect(Format.grouped(1_234_567.5) == "1,234,568")
        #expect(Format.grouped(-1234) == "-1,234")
        #expect(Format.grouped(.infinity) == "inf")
    }

    @Test("Decimals keep their places")
    func decimal() {
        #expect(Format.decimal(4.905, places: 2) == "4.91")
        #expect(Format.decimal(0.05, places: 2) == "0.05")
        #expect(Format.decimal(12, places: 0) == "12")
        #expect(Format.decimal(-0.001, places: 2) == "0.00")
        #expect(Format.decimal(-1.5, places: 1) == "-1.5")
        #expect(Format.decimal(.nan, places: 1) == "nan")
    }

    @Test("Bytes and rates take the unit that fits")
    func units() {
        #expect(Format.byteCount(512) == "512 B")
        #expect(Format.byteCount(65536) == "64 KiB")
        #expect(Format.byteCount(1536) == "1.5 KiB")
        #expect(Format.byteCount(3 << 30) == "3 GiB")
        #expect(Format.byteRate(92_800_000) == "92.8 MB/s")
        #expect(Format.byteRate(1_500_000_000) == "1.50 GB/s")
        #expect(Format.count(1, "round") == "1 round")
        #expect(Format.count(2000, "connection") == "2,000 connections")
    }
}
