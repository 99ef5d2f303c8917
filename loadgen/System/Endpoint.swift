import SystemSupport

/// `HOST:PORT` as a user writes it: `127.0.0.1:7777`, `[::1]:7777`, `localhost:7777`.
struct Endpoint: Equatable, Sendable {
    let host: String
    let port: UInt16

    init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Nil for what is not an endpoint: no port, port 0, or an IPv6 address without brackets.
    init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":"),
            case let digits = text[text.index(after: colon)...],
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let port = UInt16(digits), port != 0
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, !host.contains(where: { $0 == "[" || $0 == "]" || $0.isWhitespace }) else { return nil }
        self.init(host: String(host), port: port)
    }
}

extension Endpoint {
    /// In the order in which the system prefers them; at least one.
    func addresses() throws(AddressError) -> [SocketAddress] { try SocketAddress.all(resolving: host, port: port) }
}

extension Endpoint: CustomStringConvertible {
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
