import Glibc

/// Who is at the other end, as far as limits tell peers apart: an IPv4 address, or the first 64 bits of an IPv6 address,
/// since a host gets as many of the others as it wants.
///
/// IPv4 addresses within IPv6 (mapped, or translated by NAT64) are IPv4 addresses; of a link-local address, whose first 64
/// bits are everybody's, it is the others.
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    private let isIPv4: Bool
    private let bits: UInt64
    /// All of it, for people: two that count as one may differ in that.
    package let description: String

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
    private static let translatedPrefix: [UInt8] = [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]

    /// An address in network byte order: 4 or 16 bytes.
    package init(_ bytes: [UInt8]) {
        precondition(bytes.count == 4 || bytes.count == 16, "an address has 4 or 16 bytes")
        let prefix = Array(bytes.prefix(12))
        isIPv4 = bytes.count == 4 || prefix == PeerAddress.mappedPrefix || prefix == PeerAddress.translatedPrefix
        let isLinkLocal = bytes.count == 16 && bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
        let significant = isIPv4 ? bytes.suffix(4) : isLinkLocal ? bytes.suffix(8) : bytes.prefix(8)
        bits = significant.reduce(0) { $0 << 8 | UInt64($1) }
        description = isIPv4 ? bytes.suffix(4).map(String.init).joined(separator: ".") : Self.text(ofIPv6: bytes)
    }

    package static func == (left: PeerAddress, right: PeerAddress) -> Bool {
        left.isIPv4 == right.isIPv4 && left.bits == right.bits
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(isIPv4)
        hasher.combine(bits)
    }

    private static func text(ofIPv6 bytes: [UInt8]) -> String {
        unsafe String(unsafeUninitializedCapacity: Int(INET6_ADDRSTRLEN)) { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                let start = unsafe bytes.withUnsafeBytes { bytes in
                    unsafe inet_ntop(AF_INET6, bytes.baseAddress!, text.baseAddress!, socklen_t(text.count))
                }
                return unsafe start == nil ? 0 : strlen(text.baseAddress!)
            }
        }
    }

    /// Of the peer of a connected socket; nil where it has none any more, or one of another family.
    init?(ofPeer descriptor: Int32) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let bytes: [UInt8]? = unsafe withUnsafeMutableBytes(of: &storage) { storage in
            let address = unsafe storage.assumingMemoryBound(to: sockaddr.self).baseAddress!
            guard unsafe getpeername(descriptor, address, &length) == 0 else { return nil }
            let offset: Int
            let count: Int
            switch unsafe Int32(address.pointee.sa_family) {
            case AF_INET: (offset, count) = (MemoryLayout<sockaddr_in>.offset(of: \.sin_addr)!, 4)
            case AF_INET6: (offset, count) = (MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr)!, 16)
            default: return nil
            }
            return unsafe Array(storage[offset..<offset + count])
        }
        guard let bytes else { return nil }
        self.init(bytes)
    }
}
