import Glibc
import Testing

@testable import ZeroPoolReactor

@Suite("Admission")
struct AdmissionTests {
    private let home = PeerAddress([127, 0, 0, 1])
    private let other = PeerAddress([127, 0, 0, 2])

    @Test("as many come in as may, and another when one has left")
    func limit() {
        let admission = Admission(maxConnectionCount: 2)
        #expect(!admission.asksForAddresses)
        #expect(admission.tryEnter() && admission.tryEnter())
        #expect(!admission.tryEnter() && !admission.tryEnter())
        admission.leave()
        #expect(admission.tryEnter() && !admission.tryEnter())
    }

    @Test("each address has a limit of its own")
    func limitPerAddress() {
        let admission = Admission(maxConnectionCount: 100, maxConnectionCountPerAddress: 2)
        #expect(admission.asksForAddresses)
        #expect(admission.tryEnter(from: home) && admission.tryEnter(from: home) && !admission.tryEnter(from: home))
        #expect(admission.tryEnter(from: other))
        admission.leave(to: home)
        #expect(admission.tryEnter(from: home) && !admission.tryEnter(from: home))
    }

    @Test("an IPv4 address is itself also within IPv6; an IPv6 address is its first 64 bits")
    func addresses() {
        let mapped = PeerAddress([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1])
        #expect(mapped == home && home != other)
        func address(_ network: UInt8, _ host: UInt8) -> PeerAddress {
            PeerAddress([0x20, 1, 0, 0, 0, 0, 0, network, 0, 0, 0, 0, 0, 0, 0, host])
        }
        #expect(address(1, 1) == address(1, 2) && address(1, 1) != address(2, 1))
        #expect(PeerAddress([0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, 127, 0, 0, 1]) == home)
        // The first 64 bits of this one are the number that 127.0.0.1 is.
        #expect(PeerAddress([0, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]) != home)
        func linkLocal(_ host: UInt8) -> PeerAddress {
            PeerAddress([0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host])
        }
        #expect(linkLocal(1) == linkLocal(1) && linkLocal(1) != linkLocal(2))
    }
}

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
