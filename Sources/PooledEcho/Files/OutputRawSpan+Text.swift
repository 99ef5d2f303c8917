extension OutputRawSpan {
    /// Appends ASCII text; traps when it does not fit.
    mutating func append(_ text: StaticString) {
        for offset in 0..<text.utf8CodeUnitCount { append(unsafe text.utf8Start[offset]) }
    }
}
