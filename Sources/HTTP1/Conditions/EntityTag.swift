/// An entity tag (RFC 9110, 8.8.3), such as `"1f-5e3"` or `W/"1f-5e3"`. Trivial; making one allocates nothing.
package struct EntityTag: Sendable {
    /// How two tags are compared (RFC 9110, 8.8.3.2).
    package enum Comparison: Sendable {
        /// Equal, and neither is weak: byte for byte the same representation.
        case strong
        /// Equal, weak or not.
        case weak
    }

    package let isWeak: Bool
    /// With the quotes, without `W/`.
    private var text = InlineArray<52, UInt8>(repeating: 0)
    private var textByteCount = 0

    /// A tag made of three numbers in hexadecimal, such as a file's number, its time of change and its length.
    package init(_ first: UInt64, _ second: UInt64, _ third: UInt64, isWeak: Bool = false) {
        self.isWeak = isWeak
        put(UInt8(ascii: "\""))
        put(hexadecimal: first)
        put(UInt8(ascii: "-"))
        put(hexadecimal: second)
        put(UInt8(ascii: "-"))
        put(hexadecimal: third)
        put(UInt8(ascii: "\""))
    }

    private mutating func put(_ byte: UInt8) {
        text[textByteCount] = byte
        textByteCount += 1
    }

    private mutating func put(hexadecimal value: UInt64) {
        var shift = max(0, (67 - value.leadingZeroBitCount) / 4 - 1) * 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift) & 0xf)
            put(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            shift -= 4
        }
    }

    /// Appends it as a field's value; at most `maxByteCount` bytes. Traps when they do not fit.
    package func append(to output: inout OutputRawSpan) {
        if isWeak { output.append("W/") }
        output.append(copying: unsafe text.span.bytes.extracting(0..<textByteCount))
    }

    package static let maxByteCount = 54

    /// Whether it is the tag that `text` is, the whole of it.
    package func matches(_ text: RawSpan, _ comparison: Comparison) -> Bool {
        guard let tag = TagText(text, at: 0), tag.end == text.byteCount else { return false }
        return matches(tag, in: text, comparison)
    }

    /// Whether a list of tags, as `If-Match` and `If-None-Match` have it, has this one. `*` has every one. In what is no list
    /// of tags those count that stand before the fault.
    package func isListed(in list: RawSpan, _ comparison: Comparison) -> Bool {
        guard !list.isEqual(to: "*") else { return true }
        var offset = 0
        while offset < list.byteCount {
            if list[offset].isBlank || list[offset] == UInt8(ascii: ",") {
                offset += 1
                continue
            }
            guard let tag = TagText(list, at: offset) else { return false }
            if matches(tag, in: list, comparison) { return true }
            offset = tag.end
        }
        return false
    }

    private func matches(_ tag: TagText, in bytes: RawSpan, _ comparison: Comparison) -> Bool {
        guard comparison == .weak || !(isWeak || tag.isWeak), tag.quoted.count == textByteCount else { return false }
        for index in 0..<textByteCount where text[index] != bytes[tag.quoted.lowerBound + index] { return false }
        return true
    }

    /// A tag within a text.
    private struct TagText {
        let isWeak: Bool
        /// With the quotes.
        let quoted: Range<Int>
        var end: Int { quoted.upperBound }

        /// Nil when there is none at the offset.
        init?(_ text: RawSpan, at offset: Int) {
            var start = offset
            isWeak = text.byteCount - start >= 2 && text.extracting(start..<start + 2).isEqual(to: "W/")
            if isWeak { start += 2 }
            guard start < text.byteCount, text[start] == UInt8(ascii: "\"") else { return nil }
            var end = start + 1
            while end < text.byteCount, text[end] >= 0x80 || ByteSet.entityTag.contains(text[end]) { end += 1 }
            guard end < text.byteCount, text[end] == UInt8(ascii: "\"") else { return nil }
            quoted = start..<end + 1
        }
    }
}
