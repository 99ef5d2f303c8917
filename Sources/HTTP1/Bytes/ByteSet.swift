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
