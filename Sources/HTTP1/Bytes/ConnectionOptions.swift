/// The connection options that mean something to us (RFC 9110, 7.6.1; RFC 9112, 9.3).
struct ConnectionOptions: OptionSet, Sendable {
    let rawValue: UInt8

    static let close = ConnectionOptions(rawValue: 1)
    static let keepAlive = ConnectionOptions(rawValue: 2)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    /// What the value of a `Connection` field lists.
    init(_ value: RawSpan) {
        var options: ConnectionOptions = []
        value.forEachListElement { option in
            if option.isEqual(ignoringCase: "close") { options.insert(.close) }
            if option.isEqual(ignoringCase: "keep-alive") { options.insert(.keepAlive) }
            return true
        }
        self = options
    }
}
