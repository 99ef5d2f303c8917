internal import Glibc
import Synchronization
public import SystemSupport

/// An address at which reactors accept connections. Closed with its last reference.
///
/// Each reactor has its own listening TCP socket, and the kernel spreads connections over them.
public final class Listener: Sendable {
    /// The address, with the port that the system picked.
    public let address: SocketAddress
    let sockets: [ListeningSocket]

    /// Listens at `address`; port 0 lets the system pick one.
    ///
    /// With `SO_REUSEPORT`, a second server could silently take the same port, and each would get half of the
    /// connections. So the first socket is bound without it, which fails when the port is in use. It gets the option
    /// afterwards, so that the other sockets can join.
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
        // A restarted server may listen while connections of the previous one are in TIME_WAIT.
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

    /// Refuses the peers in its queue, and later ones, even if other references to the socket exist.
    func stopListening() { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }

    func set(_ level: Int32, _ option: Int32) throws(ReactorError) {
        var on: Int32 = 1
        guard unsafe setsockopt(descriptor, level, option, &on, socklen_t(MemoryLayout<Int32>.size)) == 0 else {
            throw .system("setsockopt", errno: errno)
        }
    }
}

/// Limits the number of connections, in the process and per address. It is the only state that reactors share; they
/// use it when a connection begins and when it ends. Any thread.
package final class Admission: Sendable {
    private let maxConnectionCount: Int
    private let maxConnectionCountPerAddress: Int?
    private let count = Atomic<Int>(0)
    /// Connections by address; empty where addresses have no limit.
    private let countsByAddress = Mutex<[PeerAddress: Int]>([:])

    /// - Parameters:
    ///   - maxConnectionCountPerAddress: nil for no such limit.
    ///   - asksForAddresses: Whether peers are identified even without such a limit.
    package init(maxConnectionCount: Int, maxConnectionCountPerAddress: Int? = nil, asksForAddresses: Bool = false) {
        self.asksForAddresses = asksForAddresses || maxConnectionCountPerAddress != nil
        self.maxConnectionCount = maxConnectionCount
        self.maxConnectionCountPerAddress = maxConnectionCountPerAddress
    }

    /// Whether each peer is asked for its address.
    let asksForAddresses: Bool

    /// Counts a connection in, unless the limit is reached.
    func tryEnter() -> Bool {
        guard count.add(1, ordering: .relaxed).newValue > maxConnectionCount else { return true }
        count.subtract(1, ordering: .relaxed)
        return false
    }

    /// Counts a connection out.
    func leave() { count.subtract(1, ordering: .relaxed) }

    /// Counts a connection of `address` in, unless its limit is reached.
    func tryEnter(from address: PeerAddress) -> Bool {
        guard let limit = maxConnectionCountPerAddress else { return true }
        return countsByAddress.withLock { counts in
            guard counts[address, default: 0] < limit else { return false }
            counts[address, default: 0] += 1
            return true
        }
    }

    /// Counts a connection of `address` out.
    func leave(to address: PeerAddress) {
        guard maxConnectionCountPerAddress != nil else { return }
        countsByAddress.withLock { counts in
            counts[address, default: 0] -= 1
            if counts[address] == 0 { counts[address] = nil }
        }
    }
}
