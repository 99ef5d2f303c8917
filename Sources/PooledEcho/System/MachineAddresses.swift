import Glibc

/// The addresses that this machine had when it was asked, and those that always lead to itself.
struct MachineAddresses: Sendable {
    private var addresses: Set<[UInt8]> = []

    init(_ addresses: Set<[UInt8]>) { self.addresses = addresses }

    /// Of the interfaces that the process sees. Where they can't be told, only what is always ours.
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

    /// Whether who has this IPv4 or IPv6 address is on this machine.
    func contains(_ name: UnsafePointer<sockaddr>) -> Bool {
        guard let bytes = unsafe Self.bytes(of: name) else { return false }
        return contains(bytes)
    }

    /// The same of an address in network byte order.
    func contains(_ address: [UInt8]) -> Bool {
        let address = Self.unmapped(address)
        return address.count == 4 && address[0] == 127 || address == Self.loopback || addresses.contains(address)
    }

    private static let loopback = [UInt8](repeating: 0, count: 15) + [1]
    private static let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]

    /// An IPv4 address within IPv6 is that IPv4 address: so a listener for both has them.
    private static func unmapped(_ address: [UInt8]) -> [UInt8] {
        address.starts(with: mappedPrefix) ? Array(address.dropFirst(mappedPrefix.count)) : address
    }

    private static func bytes(of name: UnsafePointer<sockaddr>) -> [UInt8]? {
        // SAFETY: the family says what stands at that address.
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
