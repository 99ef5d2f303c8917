import Glibc

/// A resolved address that sockets connect to.
struct SocketAddress: Sendable {
    private(set) var storage = sockaddr_storage()
    private(set) var byteCount: socklen_t = 0

    var family: Int32 { Int32(storage.ss_family) }

    /// The addresses of a host, in the order in which the system prefers them; not empty.
    static func resolve(_ endpoint: Endpoint) throws(ResolveError) -> [SocketAddress] {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        unsafe hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(endpoint.host, String(endpoint.port), &hints, &list)
        guard status == 0 else {
            throw ResolveError(host: endpoint.host, reason: unsafe String(cString: gai_strerror(status)))
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = unsafe list
        while let info = unsafe entry?.pointee {
            var address = SocketAddress()
            unsafe memcpy(&address.storage, info.ai_addr, Int(info.ai_addrlen))
            unsafe address.byteCount = info.ai_addrlen
            addresses.append(address)
            unsafe entry = info.ai_next
        }
        return addresses
    }

    /// The first of these addresses that accepts a connection within the time, or else the first.
    ///
    /// A name often has an IPv6 and an IPv4 address, of which a server may listen on one only. A single address is not
    /// tried: its connections will tell.
    static func firstReachable(of addresses: [SocketAddress], timeoutSeconds: Double) -> SocketAddress {
        precondition(!addresses.isEmpty)
        guard addresses.count > 1 else { return addresses[0] }
        return addresses.first { $0.accepts(timeoutSeconds: timeoutSeconds) } ?? addresses[0]
    }

    private func accepts(timeoutSeconds: Double) -> Bool {
        guard let descriptor = try? Self.makeSocket(family: family) else { return false }
        defer { close(descriptor) }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        if connect(descriptor) { return true }
        guard errno == EINPROGRESS else { return false }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard unsafe poll(&waiting, 1, Int32(timeoutSeconds * 1000)) == 1 else { return false }
        var failure: Int32 = 0
        var failureByteCount = socklen_t(MemoryLayout<Int32>.size)
        return unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &failure, &failureByteCount) == 0 && failure == 0
    }

    /// Connects a socket to it. - Returns: false, and the reason in `errno`.
    func connect(_ descriptor: Int32) -> Bool {
        unsafe withPointer { unsafe Glibc.connect(descriptor, $0, byteCount) } == 0
    }

    private func withPointer<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        unsafe withUnsafePointer(to: storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0) }
        }
    }

    /// A TCP socket that sends at once what it is given: a small message must not wait for an acknowledgement.
    static func makeSocket(family: Int32) throws(SystemError) -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket") }
        var on: Int32 = 1
        unsafe setsockopt(
            descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
        return descriptor
    }
}

/// A host that has no address.
struct ResolveError: Error, CustomStringConvertible {
    let host: String
    let reason: String

    var description: String { "no address for '\(host)': \(reason)" }
}
