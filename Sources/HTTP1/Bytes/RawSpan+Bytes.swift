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
