/// UTF-8, as RFC 3629 has it.
enum UTF8Text {
    /// Whether it is well-formed: no overlong forms, no surrogates, nothing past U+10FFFF (The Unicode Standard, table 3-7).
    static func isValid(_ text: RawSpan) -> Bool {
        var offset = 0
        while offset < text.byteCount {
            let first = text[offset]
            offset += 1
            let count: Int
            var second: ClosedRange<UInt8> = 0x80...0xbf
            switch first {
            case 0x00...0x7f: continue
            case 0xc2...0xdf: count = 1
            case 0xe0: (count, second) = (2, 0xa0...0xbf)
            case 0xed: (count, second) = (2, 0x80...0x9f)
            case 0xe1...0xef: count = 2
            case 0xf0: (count, second) = (3, 0x90...0xbf)
            case 0xf1...0xf3: count = 3
            case 0xf4: (count, second) = (3, 0x80...0x8f)
            default: return false
            }
            guard offset + count <= text.byteCount, second.contains(text[offset]) else { return false }
            for next in 1..<count where !(0x80...0xbf).contains(text[offset + next]) { return false }
            offset += count
        }
        return true
    }
}
