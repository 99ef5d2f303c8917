import Testing

@testable import HTTP1

@Suite("Ranges")
struct RangeRequestTests {
    @Test(
        "What a Range means for 1000 bytes",
        arguments: [
            ("bytes=0-499", RangeRequest.part(0..<500)), ("bytes=0-0", .part(0..<1)),
            ("bytes=999-999", .part(999..<1000)),
            ("bytes=500-", .part(500..<1000)), ("bytes=0-", .part(0..<1000)), ("bytes=-500", .part(500..<1000)),
            ("bytes=-1", .part(999..<1000)), ("bytes=-1000", .part(0..<1000)), ("bytes=-2000", .part(0..<1000)),
            ("bytes=900-2000", .part(900..<1000)), ("Bytes=1-2", .part(1..<3)),
            ("bytes=0-99999999999999999999999", .part(0..<1000)), ("bytes=-99999999999999999999999", .part(0..<1000)),
            ("bytes=00000000000000000000000001-2", .part(1..<3)), ("bytes=0-9223372036854775807", .part(0..<1000)),
            ("bytes=1000-", .unsatisfiable), ("bytes=1000-1001", .unsatisfiable), ("bytes=-0", .unsatisfiable),
            ("bytes=99999999999999999999999-", .unsatisfiable),
            ("bytes=2-1", .whole), ("bytes=", .whole), ("bytes=-", .whole), ("bytes", .whole), ("", .whole),
            ("bytes=a-b", .whole),
            ("bytes=1", .whole), ("bytes=0-1,2-3", .whole), ("bytes=0-1,", .whole), ("bytes=--1", .whole),
            ("bytes=+1-2", .whole),
            ("bytes=1-2x", .whole), ("bytes= 1-2", .whole), ("bytes =1-2", .whole), ("lines=1-2", .whole),
            ("bytes=1-2-3", .whole),
            ("bytes=0x0-1", .whole), ("bytes=1 -2", .whole),
        ])
    func ofThousand(value: String, request: RangeRequest) {
        #expect(withSpan(value) { RangeRequest($0, length: 1000) } == request)
    }

    @Test("Of nothing there is no part; its last bytes are the whole")
    func ofNothing() {
        for (value, request) in [
            ("bytes=0-", RangeRequest.unsatisfiable), ("bytes=0-0", .unsatisfiable), ("bytes=-5", .whole),
        ] {
            #expect(withSpan(value) { RangeRequest($0, length: 0) } == request)
        }
    }

    @Test("A part is never empty, and within the length, whatever the length")
    func bounds() {
        for length in [0, 1, 2, 5, .max] {
            for value in [
                "0-0", "0-", "-1", "1-1", "1-", "-9223372036854775807", "9223372036854775806-9223372036854775807",
            ] {
                guard case .part(let part) = withSpan("bytes=\(value)", { RangeRequest($0, length: length) }) else {
                    continue
                }
                #expect(!part.isEmpty && part.lowerBound >= 0 && part.upperBound <= length, "\(value) of \(length)")
            }
        }
    }
}
