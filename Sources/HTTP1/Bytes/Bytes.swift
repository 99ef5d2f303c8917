extension RawSpan {
    /// The byte at an offset; traps outside.
    subscript(offset: Int) -> UInt8 {
        // SAFETY: the load checks the bounds, every bit pattern is a byte, and a byte needs no alignment.
        unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Eight bytes from an offset on, the first in the lowest bits; traps outside.
    func word(at offset: Int) -> UInt64 {
        // SAFETY: the load checks the bounds, and every bit pattern is a number.
        UInt64(littleEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    func isEqual(to other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        for offset in 0..<byteCount where self[offset] != other[offset] { return false }
        return true
    }

    /// Whether these are the ASCII bytes of `text`.
    func isEqual(to text: StaticString) -> Bool {
        guard byteCount == text.utf8CodeUnitCount else { return false }
        let characters = unsafe text.utf8Start
        for offset in 0..<byteCount where unsafe self[offset] != characters[offset] { return false }
        return true
    }

    /// Whether these are the bytes of `lowercase`, ASCII letters of either case being the same.
    func isEqual(ignoringCase lowercase: StaticString) -> Bool {
        guard byteCount == lowercase.utf8CodeUnitCount else { return false }
        let characters = unsafe lowercase.utf8Start
        for offset in 0..<byteCount where unsafe self[offset].lowercased != characters[offset] { return false }
        return true
    }

    /// The number that these bytes are in decimal digits; nil for anything else, nothing at all, or more than an `Int`.
    var decimal: Int? {
        guard byteCount > 0 else { return nil }
        var value = 0
        for offset in 0..<byteCount {
            guard let digit = self[offset].digit else { return nil }
            let (product, isTooLarge) = value.multipliedReportingOverflow(by: 10)
            let (sum, isTooLargeToo) = product.addingReportingOverflow(digit)
            guard !isTooLarge, !isTooLargeToo else { return nil }
            value = sum
        }
        return value
    }

    /// The part of a range without the spaces and tabs at its ends.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, self[start].isBlank { start += 1 }
        while end > start, self[end - 1].isBlank { end -= 1 }
        return start..<end
    }

    /// The first place of a byte within a range.
    func firstIndex(of byte: UInt8, in range: Range<Int>) -> Int? {
        for offset in range where self[offset] == byte { return offset }
        return nil
    }

    /// Calls `body` with each element of a comma-separated list (RFC 9110, 5.6.1), trimmed, until it returns false. Empty
    /// elements are passed over.
    func forEachListElement(_ body: (RawSpan) -> Bool) {
        var start = 0
        while start < byteCount {
            let end = firstIndex(of: UInt8(ascii: ","), in: start..<byteCount) ?? byteCount
            let element = trimmed(start..<end)
            if !element.isEmpty, !body(extracting(element)) { return }
            start = end + 1
        }
    }
}

extension UInt8 {
    var lowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }

    /// Space or tab.
    var isBlank: Bool { self == 0x20 || self == 0x09 }

    var digit: Int? { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") ? Int(self - UInt8(ascii: "0")) : nil }

    var hexadecimalDigit: UInt8? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): self - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension OutputRawSpan {
    /// Appends the ASCII bytes of `text`; traps when they do not fit.
    mutating func append(_ text: StaticString) {
        let byteCount = text.utf8CodeUnitCount
        precondition(byteCount <= freeCapacity, "the text does not fit")
        guard byteCount > 0 else { return }
        // SAFETY: a static string is there for ever, and the room was checked.
        unsafe withUnsafeMutableBytes { buffer, count in
            unsafe (buffer.baseAddress! + count).copyMemory(from: text.utf8Start, byteCount: byteCount)
            count += byteCount
        }
    }

    /// Appends a copy of `bytes`; traps when they do not fit.
    mutating func append(copying bytes: RawSpan) {
        precondition(bytes.byteCount <= freeCapacity, "the bytes do not fit")
        guard bytes.byteCount > 0 else { return }
        // SAFETY: the room was checked.
        unsafe bytes.withUnsafeBytes { source in
            unsafe withUnsafeMutableBytes { buffer, count in
                unsafe (buffer.baseAddress! + count).copyMemory(from: source.baseAddress!, byteCount: source.count)
                count += source.count
            }
        }
    }

    /// Appends a number in decimal; traps when it is negative, or does not fit: it has at most 19 digits.
    mutating func append(decimal value: Int) {
        precondition(value >= 0, "a number of bytes is not negative")
        var digits = InlineArray<20, UInt8>(repeating: 0)
        var start = 20
        var rest = value
        repeat {
            start -= 1
            digits[start] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        for index in start..<20 { append(digits[index]) }
    }

    /// Appends a number from 0 to 99 in two digits.
    mutating func append(twoDigits value: Int) {
        append(UInt8(ascii: "0") + UInt8(value / 10))
        append(UInt8(ascii: "0") + UInt8(value % 10))
    }

    private mutating func appendDigit(_ digit: UInt8) {
        append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "A") + digit - 10)
    }

    /// Appends a byte in two hexadecimal digits, capitals.
    mutating func append(hexadecimal byte: UInt8) {
        appendDigit(byte >> 4)
        appendDigit(byte & 0xf)
    }
}

/// A set of ASCII characters, as the grammars name them. No byte from 0x80 up is in one. Asking costs a shift.
struct ByteSet: Sendable {
    /// Bit `n`: byte `n`, and byte `64 + n`.
    private let low: UInt64
    private let high: UInt64

    /// Written as words and not as characters, so that a set is a constant; tests hold each against its characters.
    private init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }

    func contains(_ byte: UInt8) -> Bool {
        let word = byte & 0x40 == 0 ? low : high
        return byte < 0x80 && word >> UInt64(byte & 0x3f) & 1 != 0
    }

    /// tchar (RFC 9110, 5.6.2): letters, digits and ``!#$%&'*+-.^_`|~``.
    static let token = ByteSet(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe)

    /// What a request target is made of: visible ASCII without `"`, `#`, `<`, `>` and `\`. RFC 3986 forbids ``[]^`{|}`` there
    /// too; they mean nothing, and browsers send some of them as they are.
    static let target = ByteSet(low: 0xafff_fff2_0000_0000, high: 0x7fff_ffff_efff_ffff)

    /// unreserved / sub-delims (RFC 3986, 2): letters, digits and `-._~!$&'()*+,;=`. With `%` escapes, a registered name.
    static let name = ByteSet(low: 0x2bff_7fd2_0000_0000, high: 0x47ff_fffe_87ff_fffe)

    /// unreserved (RFC 3986, 2.3): letters, digits and `-._~`. What never needs an escape.
    static let unreserved = ByteSet(low: 0x03ff_6000_0000_0000, high: 0x47ff_fffe_87ff_fffe)

    /// etagc below 0x80 (RFC 9110, 8.8.3): visible ASCII without `"`.
    static let entityTag = ByteSet(low: 0xffff_fffa_0000_0000, high: 0x7fff_ffff_ffff_ffff)
}

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
