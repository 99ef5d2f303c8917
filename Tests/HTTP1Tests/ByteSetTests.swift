import Testing

@testable import HTTP1

@Suite("Sets of characters")
struct ByteSetTests {
    @Test("Each set has the characters that its grammar names, and no byte from 0x80 up")
    func characters() {
        let alphanumerics = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
        let visible = String(decoding: 0x21...0x7e as ClosedRange<UInt8>, as: UTF8.self)
        let sets: [(ByteSet, String)] = [
            (.token, alphanumerics + "!#$%&'*+-.^_`|~"),
            (.target, visible.filter { !"\"#<>\\".contains($0) }),
            (.name, alphanumerics + "-._~!$&'()*+,;="),
            (.unreserved, alphanumerics + "-._~"),
            (.entityTag, visible.filter { $0 != "\"" }),
        ]
        for (set, characters) in sets {
            let bytes = Set(characters.utf8)
            for byte in UInt8.min...UInt8.max { #expect(set.contains(byte) == bytes.contains(byte), "\(byte)") }
        }
    }
}
