import Glibc
import Testing

@testable import PooledEcho

@Suite("MachineAddresses")
struct MachineAddressesTests {
    private static let mappedPrefix = [UInt8](repeating: 0, count: 10) + [0xff, 0xff]

    @Test("the loopback network is always this machine, in every form of its addresses")
    func loopback() {
        let addresses = MachineAddresses([])
        for address: [UInt8] in [[127, 0, 0, 1], [127, 9, 8, 7], [UInt8](repeating: 0, count: 15) + [1]] {
            #expect(addresses.contains(address))
        }
        #expect(addresses.contains(Self.mappedPrefix + [127, 0, 0, 1]))
        #expect(!addresses.contains([10, 0, 0, 1]) && !addresses.contains([UInt8](repeating: 0, count: 15) + [2]))
    }

    @Test("an interface's addresses are this machine's, an IPv4 one within IPv6 too, and no others of its network")
    func interfaces() {
        let long: [UInt8] = [0xfd, 0] + [UInt8](repeating: 0, count: 13) + [9]
        let addresses = MachineAddresses([[10, 0, 0, 1], long])
        #expect(addresses.contains([10, 0, 0, 1]) && addresses.contains(long))
        #expect(addresses.contains(Self.mappedPrefix + [10, 0, 0, 1]))
        #expect(!addresses.contains([10, 0, 0, 2]) && !addresses.contains(Self.mappedPrefix + [10, 0, 0, 2]))
        #expect(!addresses.contains(Array(long.dropLast()) + [8]))
    }

    @Test("what the kernel says of a socket is understood")
    func name() {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        let isOurs = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { MachineAddresses().contains($0) }
        }
        #expect(isOurs)
        name.sin_addr.s_addr = UInt32(0xcb00_7101).bigEndian
        let isDocumentationOurs = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { MachineAddresses().contains($0) }
        }
        #expect(!isDocumentationOurs)
    }
}
