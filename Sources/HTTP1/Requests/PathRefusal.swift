/// Why a path is refused. A request with such a path is answered with the status; its connection may stay open, since its
/// framing is sound, but nobody asks so by mistake: the server closes it.
package enum PathRefusal: Error, Equatable, Sendable, CaseIterable {
    /// `%` without two hexadecimal digits.
    case badEscape
    /// `.` or `..` as a whole segment, in any disguise.
    case dotSegment
    /// `%2F`.
    case encodedSlash
    case nul
    /// What comes out is not UTF-8: overlong forms and surrogates included.
    case notUTF8
    /// No slash at its start.
    case relative
    case tooLong

    package var status: ResponseStatus { self == .tooLong ? .uriTooLong : .badRequest }
}
