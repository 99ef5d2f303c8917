/// How much a client wants one media type, by its Accept fields (RFC 9110, 12.5.1).
///
/// The most specific range that has the type counts: `text/html` before `text/*` before `*/*`. Parameters but `q` are passed over, and
/// so is an element that is not as it should be: a preference is no reason to refuse a request.
package struct MediaQuality {
    private let type: [UInt8]
    private let anySubtype: [UInt8]
    private var specificity = 0
    private var thousandths = 0
    private var isEmpty = true

    /// For a type in lower case, such as `text/html`.
    package init(of type: String) {
        self.type = Array(type.utf8)
        anySubtype = self.type.prefix { $0 != UInt8(ascii: "/") } + Array("/*".utf8)
    }

    /// As a quality in thousandths: 1,000 for what is wanted most, 0 for what is not. Who sends no Accept wants all alike.
    package var value: Int { isEmpty ? 1000 : thousandths }

    /// Whether this type is wanted more than `other`; of two that are wanted alike, the one that is named.
    package func isAbove(_ other: MediaQuality) -> Bool {
        (value, specificity) > (other.value, other.specificity)
    }

    /// Takes the value of one Accept field into account. Allocates: it is for what is negotiated, not for each request.
    package mutating func add(_ fieldValue: RawSpan) {
        isEmpty = false
        let bytes = (0..<fieldValue.byteCount).map { Self.lowercased(fieldValue[$0]) }
        for element in bytes.split(separator: UInt8(ascii: ",")) {
            let parts = element.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false).map(Self.trimmed)
            let specificity = specificity(of: parts[0])
            guard specificity > self.specificity, let quality = Self.quality(parts.dropFirst()) else { continue }
            self.specificity = specificity
            thousandths = quality
        }
    }

    private func specificity(of range: [UInt8]) -> Int {
        range == type ? 3 : range == anySubtype ? 2 : range == Array("*/*".utf8) ? 1 : 0
    }

    /// 1,000 without a `q`; nil for one that is none: `0` or `1`, and three digits at most behind a point.
    private static func quality(_ parameters: ArraySlice<[UInt8]>) -> Int? {
        guard let parameter = parameters.first(where: { $0.starts(with: "q=".utf8) }) else { return 1000 }
        let text = parameter.dropFirst(2)
        guard let whole = text.first, whole == UInt8(ascii: "0") || whole == UInt8(ascii: "1") else { return nil }
        var value = whole == UInt8(ascii: "1") ? 1000 : 0
        guard text.count > 1 else { return value }
        let digits = text.dropFirst(2)
        guard text.dropFirst().first == UInt8(ascii: "."), digits.count <= 3 else { return nil }
        var unit = 100
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            value += Int(digit - UInt8(ascii: "0")) * unit
            unit /= 10
        }
        return value <= 1000 ? value : nil
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        return Array(text.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
