internal import Glibc
public import SystemSupport

/// An address that reactors accept connections at: one listening TCP socket per reactor, over which the kernel spreads
/// connections. Closed with its last reference.
public final class Listener: Sendable {
    /// Where it listens. The port is known, also if the system picked it.
    public let address: SocketAddress
    let sockets: [ListeningSocket]

    /// Listens at `address`; port 0 lets the system pick one.
    ///
    /// `SO_REUSEPORT` would let a second server take the same port silently, and each get half of the connections. So the
    /// first socket is bound without it, which fails when anybody has the port, and takes the option on afterwards for its
    /// siblings to join.
    package init(at address: SocketAddress, count: Int) throws(ReactorError) {
        let first = try ListeningSocket(boundTo: address, isShared: false)
        if count > 1 { try first.set(SOL_SOCKET, SO_REUSEPORT) }
        do throws(AddressError) {
            self.address = try SocketAddress(boundTo: first.descriptor)
        } catch {
            throw .configuration("\(error)")
        }
        var sockets = [first]
        while sockets.count < count { sockets.append(try ListeningSocket(boundTo: self.address, isShared: true)) }
        for socket in sockets {
            guard Glibc.listen(socket.descriptor, 4096) == 0 else {
                throw .listen(self.address.description, errno: errno)
            }
        }
        self.sockets = sockets
    }

    /// Refuses the peers in its queues, and later ones. Any thread.
    func stopListening() {
        for socket in sockets { socket.stopListening() }
    }
}

/// One listening socket, closed with its last reference.
final class ListeningSocket: Sendable {
    let descriptor: Int32

    init(boundTo address: SocketAddress, isShared: Bool) throws(ReactorError) {
        let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(address.family.rawValue, kind, 0)
        guard descriptor >= 0 else { throw .system("socket", errno: errno) }
        // A restarted server may listen while connections of the last one are in TIME_WAIT.
        try set(SOL_SOCKET, SO_REUSEADDR)
        if isShared { try set(SOL_SOCKET, SO_REUSEPORT) }
        // Accepted sockets inherit it. Without it a reply in two sends waits 40 ms for an acknowledgement.
        try set(Int32(IPPROTO_TCP), TCP_NODELAY)
        do throws(SystemError) {
            try address.bind(descriptor)
        } catch {
            throw error.errno == EADDRINUSE
                ? .portInUse(address.description) : .listen(address.description, errno: error.errno)
        }
    }

    deinit { _ = close(descriptor) }

    /// Refuses the peers in its queue, and later ones, whoever else holds a reference to it.
    func stopListening() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    func set(_ level: Int32, _ option: Int32) throws(ReactorError) {
        var on: Int32 = 1
        guard unsafe setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .system("setsockopt", errno: errno)
        }
    }
}
