import Glibc

/// An IPv4 or IPv6 address with its port.
public struct SocketAddress: Hashable, Sendable {
    /// IPv4 or IPv6.
    public enum Family: Hashable, Sendable {
        case ipv4
        case ipv6

        /// `AF_INET` or `AF_INET6`, as `socket` takes it.
        public var rawValue: Int32 {
            switch self {
            case .ipv4: AF_INET
            case .ipv6: AF_INET6
            }
        }

        /// Bytes of an address of this family, without its port.
        public var addressByteCount: Int {
            switch self {
            case .ipv4: 4
            case .ipv6: 16
            }
        }
    }

    /// IPv4 or IPv6.
    public let family: Family
    /// The TCP or UDP port.
    public let port: UInt16
    /// The interface of a link-local IPv6 address; 0 for every other address.
    private let scope: UInt32
    /// The address as one number, most significant byte first.
    private let high: UInt64
    private let low: UInt64

    /// An address in network byte order: 4 bytes for IPv4, 16 for IPv6. Nil for any other count.
    ///
    /// - Parameter scope: The interface index of a link-local IPv6 address.
    public init?(bytes: [UInt8], port: UInt16, scope: UInt32 = 0) {
        switch bytes.count {
        case 4: family = .ipv4
        case 16: family = .ipv6
        default: return nil
        }
        self.port = port
        self.scope = scope
        high = bytes.dropLast(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The address in a `sockaddr_in` or `sockaddr_in6`. Nil for other families, and for too few bytes.
    public init?(sockaddr: RawSpan) {
        let address: SocketAddress? = unsafe sockaddr.withUnsafeBytes { bytes in
            guard bytes.count >= MemoryLayout<sa_family_t>.size else { return nil }
            switch Int32(unsafe bytes.loadUnaligned(as: sa_family_t.self)) {
            case AF_INET where bytes.count >= MemoryLayout<sockaddr_in>.size:
                let name = unsafe bytes.loadUnaligned(as: sockaddr_in.self)
                let octets = unsafe withUnsafeBytes(of: name.sin_addr) { unsafe Array($0) }
                return SocketAddress(bytes: octets, port: UInt16(bigEndian: name.sin_port))
            case AF_INET6 where bytes.count >= MemoryLayout<sockaddr_in6>.size:
                let name = unsafe bytes.loadUnaligned(as: sockaddr_in6.self)
                let octets = unsafe withUnsafeBytes(of: name.sin6_addr) { unsafe Array($0) }
                return SocketAddress(bytes: octets, port: UInt16(bigEndian: name.sin6_port), scope: name.sin6_scope_id)
            default:
                return nil
            }
        }
        guard let address else { return nil }
        self = address
    }

    /// The first address of `host`. Blocks while the system looks up a name.
    ///
    /// - Parameter host: An address in digits (IPv6 also in brackets) or a name.
    public init(resolving host: String, port: UInt16) throws(AddressError) {
        self = try Self.all(resolving: host, port: port)[0]
    }

    /// All addresses of `host`, in the order in which the system prefers them; at least one. Blocks while the system looks
    /// up a name.
    public static func all(resolving host: String, port: UInt16) throws(AddressError) -> [SocketAddress] {
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(bare, String(port), &hints, &list)
        guard code == 0 else { throw .unknownHost(host, reason: unsafe String(cString: gai_strerror(code))) }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = unsafe list
        while let info = unsafe entry?.pointee {
            let name = unsafe UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen))
            if let address = unsafe SocketAddress(sockaddr: name.bytes) { addresses.append(address) }
            unsafe entry = info.ai_next
        }
        guard !addresses.isEmpty else { throw .unknownHost(host, reason: "No IPv4 or IPv6 address") }
        return addresses
    }

    /// The address that a socket is bound to, with the port that the system picked for port 0.
    public init(boundTo descriptor: Int32) throws(AddressError) {
        self = try unsafe Self.named("getsockname") { unsafe getsockname(descriptor, $0, $1) }
    }

    /// The address of the peer of a connected socket.
    public init(peerOf descriptor: Int32) throws(AddressError) {
        self = try unsafe Self.named("getpeername") { unsafe getpeername(descriptor, $0, $1) }
    }

    private static func named(
        _ call: String, _ ask: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(AddressError) -> SocketAddress {
        var storage = sockaddr_storage()
        var byteCount = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { storage in
            unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe ask($0, &byteCount) }
        }
        guard result == 0 else { throw .system(SystemError(call)) }
        let address = unsafe withUnsafeBytes(of: &storage) { unsafe SocketAddress(sockaddr: $0.bytes) }
        guard let address else { throw .system(SystemError(call, errno: EAFNOSUPPORT)) }
        return address
    }

    /// The address in network byte order, without its port: 4 or 16 bytes.
    public var bytes: [UInt8] {
        let all = unsafe withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) { unsafe Array($0) }
        return all.suffix(family.addressByteCount)
    }

    /// Whether only programs on this machine reach it: 127.0.0.0/8, also within IPv6, and ::1.
    public var isLoopback: Bool {
        switch family {
        case .ipv4: low >> 24 == 127
        case .ipv6: high == 0 && (low == 1 || low >> 24 == 0xffff_7f)
        }
    }

    /// The address in digits, without its port.
    public var host: String {
        withSockaddr { name in
            unsafe name.withUnsafeBytes { name in
                unsafe String(unsafeUninitializedCapacity: Int(NI_MAXHOST)) { buffer in
                    unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                        let code = unsafe getnameinfo(
                            name.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t(name.count),
                            text.baseAddress, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                        return code == 0 ? unsafe strlen(text.baseAddress!) : 0
                    }
                }
            }
        }
    }

    /// Calls `body` with the `sockaddr_in` or `sockaddr_in6`, as `bind` and `connect` take it.
    public func withSockaddr<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        switch family {
        case .ipv4:
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = UInt32(truncatingIfNeeded: low).bigEndian
            return try withBytes(of: name, body)
        case .ipv6:
            var name = sockaddr_in6()
            name.sin6_family = sa_family_t(AF_INET6)
            name.sin6_port = port.bigEndian
            name.sin6_scope_id = scope
            unsafe withUnsafeMutableBytes(of: &name.sin6_addr) { bytes in
                unsafe bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
                unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return try withBytes(of: name, body)
        }
    }

    private func withBytes<Name, Result, Failure: Error>(
        of name: Name, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe withUnsafeBytes(of: name) { bytes throws(Failure) in try unsafe body(bytes.bytes) }
    }

    /// Binds a socket to this address.
    public func bind(_ descriptor: Int32) throws(SystemError) {
        try unsafe call("bind") { unsafe Glibc.bind(descriptor, $0, $1) }
    }

    /// Connects a socket to this address. A socket that doesn't block fails with `EINPROGRESS`.
    public func connect(_ descriptor: Int32) throws(SystemError) {
        try unsafe call("connect") { unsafe Glibc.connect(descriptor, $0, $1) }
    }

    private func call(
        _ name: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) throws(SystemError) {
        let result = withSockaddr { address in
            unsafe address.withUnsafeBytes { bytes in
                unsafe body(bytes.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t(bytes.count))
            }
        }
        guard result == 0 else { throw SystemError(name) }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// As a client writes it: `127.0.0.1:7777`, `[::1]:7777`.
    public var description: String {
        switch family {
        case .ipv4: "\(host):\(port)"
        case .ipv6: "[\(host)]:\(port)"
        }
    }
}

/// Why there is no address.
public enum AddressError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The host is not an address, and not a name that has one.
    case unknownHost(String, reason: String)
    /// The socket has no address, or none that is IPv4 or IPv6 (`EAFNOSUPPORT`).
    case system(SystemError)

    /// The host or call, and the reason.
    public var description: String {
        switch self {
        case .unknownHost(let host, let reason): "no address for '\(host)': \(reason)"
        case .system(let error): error.description
        }
    }
}
