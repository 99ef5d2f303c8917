import Glibc
import SystemSupport
import ZeroPoolURing

/// The peers for which zero-copy sends can pay, as far as that is known when a server begins to listen.
///
/// A zero-copy send to a peer on the same machine is copied after all, and costs more than a plain send
/// (docs/BENCHMARKS.md).
enum ZeroCopyPeers: Sendable {
    case none
    /// Every peer.
    case all
    /// Peers whose address is not among these. `nameByteCount` is the size of a `sockaddr` of the listener's family.
    case beyond(MachineAddresses, nameByteCount: Int)

    /// For a server that listens there. Peers of the loopback device are all on this machine.
    init(of listener: SocketAddress) {
        let nameByteCount =
            listener.family == .ipv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        self = listener.isLoopback ? .none : .beyond(MachineAddresses(), nameByteCount: nameByteCount)
    }
}

/// Decides by the peer's address whether sends on a connection may be zero-copy.
///
/// When a connection is accepted, the ring asks for the peer's address, which costs a third of a microsecond. Sends
/// copy until the answer arrives. If the kernel does not answer (before 6.7), or an address is new to this machine,
/// the connection's first zero-copy sends decide: their completions report a copy (`Connection.mayZeroCopy`).
@safe
struct ZeroCopyRule: ~Copyable {
    private let peers: ZeroCopyPeers
    /// The peers' addresses by connection number. The kernel writes here.
    private let names: UnsafeMutablePointer<sockaddr_in6>
    /// Whether zero copy is allowed, by connection number; empty if it is the same for all.
    private var isAllowed: [Bool]

    init(_ peers: ZeroCopyPeers, connectionCount: Int) {
        self.peers = peers
        let count = if case .beyond = peers { connectionCount } else { 0 }
        unsafe names = .allocate(capacity: count)
        isAllowed = Array(repeating: false, count: count)
    }

    deinit { unsafe names.deallocate() }

    @inline(__always)
    func allows(_ connection: ConnectionNumber) -> Bool {
        switch peers {
        case .none: false
        case .all: true
        case .beyond: isAllowed[Int(connection)]
        }
    }

    /// Asks for the address of an accepted connection's peer, if it matters. `named` gets the result.
    mutating func accepted(_ connection: ConnectionNumber, _ ring: borrowing Ring, userData: UInt64) {
        guard case .beyond(_, let byteCount) = peers else { return }
        isAllowed[Int(connection)] = false
        let name = unsafe UnsafeMutableRawBufferPointer(start: names + Int(connection), count: byteCount)
        unsafe ring.peerName(of: .direct(connection), into: name, userData: userData)
    }

    mutating func named(_ connection: ConnectionNumber, result: Int32) {
        guard case .beyond(let addresses, let byteCount) = peers else { return }
        guard result >= byteCount else {
            isAllowed[Int(connection)] = true
            return
        }
        let address = unsafe UnsafeRawPointer(names + Int(connection)).assumingMemoryBound(to: sockaddr.self)
        isAllowed[Int(connection)] = unsafe !addresses.contains(address)
    }
}
