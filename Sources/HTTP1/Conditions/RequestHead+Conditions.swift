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
