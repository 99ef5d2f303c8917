import Glibc
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

    /// In the order in which the system prefers them; at least one.
    func addresses() throws(AddressError) -> [SocketAddress] { try SocketAddress.all(resolving: host, port: port) }
}

extension Endpoint: CustomStringConvertible {
    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension SocketAddress {
    /// The first of these addresses that accepts a connection within the time, or else the first.
    ///
    /// A name often has an IPv6 and an IPv4 address, and a server may listen on one of them only. A single address is not
    /// tried: its connections will tell.
    static func firstReachable(of addresses: [SocketAddress], timeoutSeconds: Double) -> SocketAddress {
        precondition(!addresses.isEmpty)
        guard addresses.count > 1 else { return addresses[0] }
        return addresses.first { $0.accepts(timeoutSeconds: timeoutSeconds) } ?? addresses[0]
    }

    private func accepts(timeoutSeconds: Double) -> Bool {
        guard let descriptor = try? makeSocket() else { return false }
        defer { close(descriptor) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        do throws(SystemError) {
            try connect(descriptor)
            return true
        } catch {
            guard error.errno == EINPROGRESS else { return false }
        }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&waiting, 1, Int32(timeoutSeconds * 1000)) == 1 else { return false }
        var failure: Int32 = 0
        var failureByteCount = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &failureByteCount) == 0 && failure == 0
    }

    /// A TCP socket for a connection to this address, which sends at once: a small message must not wait for an
    /// acknowledgement.
    func makeSocket() throws(SystemError) -> Int32 {
        let descriptor = socket(family.rawValue, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket") }
        var on: Int32 = 1
        unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }
}
