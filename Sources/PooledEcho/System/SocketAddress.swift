import Glibc

/// An IPv4 or IPv6 address with its port.
struct SocketAddress {
    private var storage = sockaddr_storage()
    private var byteCount = socklen_t(MemoryLayout<sockaddr_storage>.size)

    var family: Int32 { Int32(storage.ss_family) }

    /// The first address of `host`, which is an address (IPv6 also in brackets) or a name.
    static func resolve(host: String, port: UInt16) throws(ServerError) -> SocketAddress {
        let bare = host.hasPrefix("[") && host.hasSuffix("]") ? String(host.dropFirst().dropLast()) : host
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
        var results: UnsafeMutablePointer<addrinfo>?
        let code = unsafe getaddrinfo(bare, String(port), &hints, &results)
        guard code == 0, let result = unsafe results else {
            throw .unknownHost(host, reason: unsafe String(cString: gai_strerror(code)))
        }
        defer { unsafe freeaddrinfo(results) }
        var address = SocketAddress()
        address.byteCount = unsafe result.pointee.ai_addrlen
        unsafe withUnsafeMutableBytes(of: &address.storage) { bytes in
            unsafe bytes.copyMemory(
                from: UnsafeRawBufferPointer(
                    start: result.pointee.ai_addr, count: Int(result.pointee.ai_addrlen)))
        }
        return address
    }

    /// Where `descriptor` is bound.
    static func bound(_ descriptor: Int32) throws(ServerError) -> SocketAddress {
        var address = SocketAddress()
        let result = unsafe address.withMutableSockaddr { unsafe getsockname(descriptor, $0, $1) }
        guard result == 0 else { throw .system("getsockname", errno: errno) }
        return address
    }

    func bind(_ descriptor: Int32) -> Int32 {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe Glibc.bind(descriptor, address, byteCount)
            }
        }
    }

    var port: UInt16 {
        unsafe withUnsafeBytes(of: storage) { bytes in
            // At the same place in sockaddr_in and sockaddr_in6.
            unsafe UInt16(bigEndian: bytes.load(fromByteOffset: 2, as: UInt16.self))
        }
    }

    /// The address without the port, in digits.
    var host: String {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe String(unsafeUninitializedCapacity: Int(NI_MAXHOST)) { buffer in
                    unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                        let code = unsafe getnameinfo(
                            address, byteCount, text.baseAddress, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
                        return code == 0 ? unsafe strlen(text.baseAddress!) : 0
                    }
                }
            }
        }
    }

    /// Whether only programs of this machine reach it: 127.0.0.0/8 and ::1.
    var isLoopback: Bool { host == "::1" || family == AF_INET && host.hasPrefix("127.") }

    /// As a client would write it.
    var description: String { family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)" }

    private mutating func withMutableSockaddr(
        _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> Int32 {
        unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe body(address, &byteCount)
            }
        }
    }
}
