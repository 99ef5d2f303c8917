/// `host` or `host:port` (RFC 3986, 3.2), as a Host field and an absolute target have it.
enum Authority {
    /// Whether it is one, and names a host: of `http` none is empty (RFC 9110, 4.2.1). User names are not allowed there
    /// (4.2.4), nor are zones.
    static func isValid(_ text: RawSpan) -> Bool {
        guard text.byteCount > 0 else { return false }
        if text[0] == UInt8(ascii: "[") {
            guard let end = text.firstIndex(of: UInt8(ascii: "]"), in: 0..<text.byteCount) else { return false }
            return isAddress(text.extracting(1..<end)) && isPort(text.extracting(end + 1..<text.byteCount))
        }
        let colon = text.firstIndex(of: UInt8(ascii: ":"), in: 0..<text.byteCount) ?? text.byteCount
        return isName(text.extracting(0..<colon)) && isPort(text.extracting(colon..<text.byteCount))
    }

    /// What a name or an IPv4 address is made of.
    private static func isName(_ text: RawSpan) -> Bool {
        guard text.byteCount > 0 else { return false }
        var offset = 0
        while offset < text.byteCount {
            if text[offset] == UInt8(ascii: "%") {
                guard offset + 2 < text.byteCount, text[offset + 1].hexadecimalDigit != nil,
                    text[offset + 2].hexadecimalDigit != nil
                else { return false }
                offset += 3
            } else if ByteSet.name.contains(text[offset]) {
                offset += 1
            } else {
                return false
            }
        }
        return true
    }

    /// What an IPv6 address is made of; whether it is one is for who would connect to it.
    private static func isAddress(_ text: RawSpan) -> Bool {
        guard text.byteCount >= 2, text.firstIndex(of: UInt8(ascii: ":"), in: 0..<text.byteCount) != nil else {
            return false
        }
        for offset in 0..<text.byteCount {
            let byte = text[offset]
            guard byte.hexadecimalDigit != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".") else {
                return false
            }
        }
        return true
    }

    /// Nothing, or a colon with a port, which may be empty.
    private static func isPort(_ text: RawSpan) -> Bool {
        guard text.byteCount > 0 else { return true }
        guard text[0] == UInt8(ascii: ":") else { return false }
        guard text.byteCount > 1 else { return true }
        guard let port = text.extracting(1..<text.byteCount).decimal else { return false }
        return port <= 65535
    }
}
