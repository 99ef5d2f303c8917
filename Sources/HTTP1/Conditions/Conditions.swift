extension RequestHead {
    /// What conditions and range make of a request for a representation that is there.
    package enum Decision: Equatable, Sendable {
        /// 200, with all of it.
        case whole
        /// 206, with these bytes; never empty.
        case part(Range<Int>)
        /// 304
        case notModified
        /// 412
        case preconditionFailed
        /// 416
        case rangeNotSatisfiable
    }

    /// Evaluates the conditions in the order of RFC 9110, 13.2.2, and then the range (14.2), for GET and HEAD. It is for
    /// requests that would be answered with 200 otherwise.
    /// - Parameters:
    ///   - bytes: The head's bytes.
    ///   - now: Tells what a year of two digits means, and whether a date is a strong validator.
    package func decision(in bytes: RawSpan, for representation: Representation, now: HTTPDate) -> Decision {
        guard isConditional else { return .whole }
        if has(.ifMatch) {
            if !lists(representation.entityTag, .strong, in: .ifMatch, of: bytes) { return .preconditionFailed }
        } else if let date = date(of: .ifUnmodifiedSince, in: bytes, now: now), representation.lastModified > date {
            return .preconditionFailed
        }
        if has(.ifNoneMatch) {
            if lists(representation.entityTag, .weak, in: .ifNoneMatch, of: bytes) { return .notModified }
        } else if let date = date(of: .ifModifiedSince, in: bytes, now: now), representation.lastModified <= date {
            return .notModified
        }
        // A range is of GET only (14.2), and means nothing when it stands there twice.
        guard method == .get, let range = self[.range], !isRepeated(.range),
            meetsIfRange(representation, in: bytes, now: now)
        else { return .whole }
        switch RangeRequest(bytes.extracting(range), length: representation.length) {
        case .whole: return .whole
        case .part(let part): return .part(part)
        case .unsatisfiable: return .rangeNotSatisfiable
        }
    }

    private func lists(
        _ tag: EntityTag, _ comparison: EntityTag.Comparison, in field: RequestField, of bytes: RawSpan
    ) -> Bool {
        var isListed = false
        forEachValue(of: field, in: bytes) { list in
            isListed = tag.isListed(in: list, comparison)
            return !isListed
        }
        return isListed
    }

    /// The date of a field; nil where it is to be ignored: absent, no date, or more than one (13.1.3, 13.1.4).
    private func date(of field: RequestField, in bytes: RawSpan, now: HTTPDate) -> HTTPDate? {
        guard let value = self[field], !isRepeated(field) else { return nil }
        return HTTPDate(bytes.extracting(value), now: now)
    }

    /// Whether a range may be sent (13.1.5): the client's part and ours are of the same bytes.
    private func meetsIfRange(_ representation: Representation, in bytes: RawSpan, now: HTTPDate) -> Bool {
        guard let value = self[.ifRange] else { return true }
        guard !isRepeated(.ifRange) else { return false }
        let validator = bytes.extracting(value)
        if representation.entityTag.matches(validator, .strong) { return true }
        // A date is a strong validator only when the file cannot have changed again within the same second, or within what
        // clocks differ (8.8.2.2).
        guard let date = HTTPDate(validator, now: now) else { return false }
        return date == representation.lastModified
            && now.secondsSinceEpoch - date.secondsSinceEpoch >= Self.strongDateAgeSeconds
    }

    private static let strongDateAgeSeconds = 60
}

/// What conditions and ranges are held against: a file as it is now.
package struct Representation: Sendable {
    /// Bytes of it.
    package var length: Int
    package var entityTag: EntityTag
    package var lastModified: HTTPDate

    package init(length: Int, entityTag: EntityTag, lastModified: HTTPDate) {
        self.length = length
        self.entityTag = entityTag
        self.lastModified = lastModified
    }
}

/// What a `Range` field asks for, of a representation of some length (RFC 9110, 14).
package enum RangeRequest: Equatable, Sendable {
    /// There is no valid range: the whole representation is sent.
    case whole
    /// These bytes; never empty.
    case part(Range<Int>)
    /// 416.
    case unsatisfiable

    /// - Parameters:
    ///   - value: The field's value. A unit other than `bytes`, a syntax error and several ranges are ignored.
    ///   - length: Bytes of the representation.
    package init(_ value: RawSpan, length: Int) {
        self = .whole
        let unit: StaticString = "bytes="
        guard value.byteCount > unit.utf8CodeUnitCount,
            value.extracting(0..<unit.utf8CodeUnitCount).isEqual(ignoringCase: unit)
        else { return }
        let range = value.extracting(unit.utf8CodeUnitCount..<value.byteCount)
        guard let hyphen = range.firstIndex(of: UInt8(ascii: "-"), in: 0..<range.byteCount) else { return }
        let first = Position(range.extracting(0..<hyphen))
        let last = Position(range.extracting(hyphen + 1..<range.byteCount))
        switch (first, last) {
        case (.absent, .number(let suffix)):
            // Of nothing, the last bytes are nothing: there is no way to say that in a 206.
            guard length > 0 else { return }
            self = suffix == 0 ? .unsatisfiable : .part(max(0, length - suffix)..<length)
        case (.number(let first), .absent):
            self = first < length ? .part(first..<length) : .unsatisfiable
        case (.number(let first), .number(let last)):
            guard first <= last else { return }
            self = first < length ? .part(first..<min(last, length - 1) + 1) : .unsatisfiable
        default:
            return
        }
    }

    private enum Position {
        case absent
        /// `Int.max` where it is more: no representation is as long.
        case number(Int)
        case malformed

        init(_ text: RawSpan) {
            guard text.byteCount > 0 else {
                self = .absent
                return
            }
            for offset in 0..<text.byteCount where text[offset].digit == nil {
                self = .malformed
                return
            }
            self = .number(text.decimal ?? .max)
        }
    }
}
