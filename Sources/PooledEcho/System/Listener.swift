import Glibc

/// A listening TCP socket; closed with its last reference.
final class Listener: Sendable {
    let descriptor: Int32

    private init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { _ = close(descriptor) }

    /// Refuses who waits in its queue, and who comes later; whoever else holds a reference to it.
    func stopListening() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// As many sockets for `host` and `port` as asked for; the kernel spreads connections over them.
    ///
    /// `SO_REUSEPORT` would let a second server take the same port silently, and each get half of the connections. So
    /// the first socket is bound without it, which fails when anybody has the port, and takes the option on
    /// afterwards, for its siblings to join.
    ///
    /// - Returns: the sockets, and the address they share: its port is known now, if the system picked it.
    static func open(
        host: String, port: UInt16, count: Int
    ) throws(ServerError) -> (listeners: [Listener], address: SocketAddress) {
        let first = try bound(to: SocketAddress.resolve(host: host, port: port), isShared: false)
        if count > 1 { try set(first.descriptor, SOL_SOCKET, SO_REUSEPORT) }
        let address = try SocketAddress.bound(first.descriptor)
        var listeners = [first]
        while listeners.count < count { listeners.append(try bound(to: address, isShared: true)) }
        for listener in listeners {
            guard listen(listener.descriptor, 4096) == 0 else { throw .listen(address.description, errno: errno) }
        }
        return (listeners, address)
    }

    private static func bound(to address: SocketAddress, isShared: Bool) throws(ServerError) -> Listener {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = socket(address.family, kind, 0)
        guard descriptor >= 0 else { throw .system("socket", errno: errno) }
        let listener = Listener(descriptor: descriptor)
        // A restarted server may listen while connections of the last one are in TIME_WAIT.
        try set(descriptor, SOL_SOCKET, SO_REUSEADDR)
        if isShared { try set(descriptor, SOL_SOCKET, SO_REUSEPORT) }
        // Accepted sockets inherit it. Without it a reply in two sends waits 40 ms for an acknowledgement.
        try set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY)
        guard address.bind(descriptor) == 0 else {
            throw errno == EADDRINUSE
                ? .portInUse(address.description) : .listen(address.description, errno: errno)
        }
        return listener
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32) throws(ServerError) {
        var on: Int32 = 1
        guard unsafe setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .system("setsockopt", errno: errno)
        }
    }
}
