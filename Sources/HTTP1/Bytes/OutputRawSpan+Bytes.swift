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
