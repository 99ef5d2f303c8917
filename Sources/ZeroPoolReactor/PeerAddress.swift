internal import Glibc
internal import SystemSupport

/// A peer's address without its port, as limits compare it: an IPv4 address, or the first 64 bits of an IPv6 address. A
/// host may use any of the other 64 bits.
///
/// An IPv4 address within IPv6 (mapped, or translated by NAT64) counts as the IPv4 address. Link-local addresses are
/// compared by their last 64 bits, since they share the first.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    private let isIPv4: Bool
    private let bits: UInt64
    /// The whole address as text. Two equal values may differ in it.
    public let description: String

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
    private static let translatedPrefix: [UInt8] = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]

    /// An address of 4 or 16 bytes in network byte order. Traps on any other length.
    public init(_ bytes: [UInt8]) {
        precondition(bytes.count == 4 || bytes.count == 16, "an address has 4 or 16 bytes")
        let prefix = Array(bytes.prefix(12))
        isIPv4 = bytes.count == 4 || prefix == PeerAddress.mappedPrefix || prefix == PeerAddress.translatedPrefix
        let isLinkLocal = bytes.count == 16 && bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
        let significant = isIPv4 ? bytes.suffix(4) : isLinkLocal ? bytes.suffix(8) : bytes.prefix(8)
        bits = significant.reduce(0) { $0 << 8 | UInt64($1) }
        description =
            isIPv4
            ? bytes.suffix(4).map(String.init).joined(separator: ".") : SocketAddress(bytes: bytes, port: 0)!.host
    }

    /// Whether limits count both as the same peer.
    public static func == (left: PeerAddress, right: PeerAddress) -> Bool {
        left.isIPv4 == right.isIPv4 && left.bits == right.bits
    }

    /// Consistent with `==`.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(isIPv4)
        hasher.combine(bits)
    }

    /// The address of a connected socket's peer; nil where it has none any more, or one of another family.
    init?(ofPeer descriptor: Int32) {
        guard let address = try? SocketAddress(peerOf: descriptor) else { return nil }
        self.init(address.bytes)
    }
}

/// The addresses that this machine had when it was asked, and those that always lead to itself.
struct MachineAddresses: Sendable {
    private var addresses: Set<[UInt8]> = []

    init(_ addresses: Set<[UInt8]>) { self.addresses = addresses }

    /// The addresses of the interfaces that the process sees. If they can't be read, only loopback addresses count.
    init() {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return }
        defer { unsafe freeifaddrs(list) }
        var next = unsafe list
        while let interface = unsafe next {
            if let name = unsafe interface.pointee.ifa_addr, let bytes = unsafe Self.bytes(of: name) {
                addresses.insert(bytes)
            }
            unsafe next = interface.pointee.ifa_next
        }
    }

    /// Whether this IPv4 or IPv6 address belongs to this machine.
    func contains(_ name: UnsafePointer<sockaddr>) -> Bool {
        guard let bytes = unsafe Self.bytes(of: name) else { return false }
        return contains(bytes)
    }

    /// The same for an address in network byte order.
    func contains(_ address: [UInt8]) -> Bool {
        let address = Self.unmapped(address)
        return address.count == 4 && address[0] == 127 || address == Self.loopback || addresses.contains(address)
    }

    private static let loopback = [UInt8](repeating: 0, count: 15) + [1]
    private static let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]

    /// Turns an IPv4 address within IPv6 into the IPv4 address: a listener for both families reports such addresses.
    private static func unmapped(_ address: [UInt8]) -> [UInt8] {
        address.starts(with: mappedPrefix) ? Array(address.dropFirst(mappedPrefix.count)) : address
    }

    private static func bytes(of name: UnsafePointer<sockaddr>) -> [UInt8]? {
        // SAFETY: the family says which type is at that address.
        switch Int32(unsafe name.pointee.sa_family) {
        case AF_INET:
            unsafe name.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { name in
                unsafe withUnsafeBytes(of: name.pointee.sin_addr) { unsafe Array($0) }
            }
        case AF_INET6:
            unsafe name.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { name in
                unsafe withUnsafeBytes(of: name.pointee.sin6_addr) { unsafe Array($0) }
            }
        default: nil
        }
    }
}
