import Glibc

/// To whom sends may go without a copy, as far as that is known when a server begins to listen.
///
/// To a peer on the same machine the kernel copies all the same, and that costs more than a copying send (docs/BENCHMARKS.md).
enum ZeroCopyPeers: Sendable {
    case none
    /// Whoever it is.
    case all
    /// Those whose address is not among these. `nameByteCount`: of a `sockaddr` of the listener's family.
    case beyond(MachineAddresses, nameByteCount: Int)

    /// Of a server that listens there. To the loopback device nobody comes from elsewhere.
    init(of listener: SocketAddress) {
        let nameByteCount =
            listener.family == AF_INET6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
        self = listener.isLoopback ? .none : .beyond(MachineAddresses(), nameByteCount: nameByteCount)
    }
}
