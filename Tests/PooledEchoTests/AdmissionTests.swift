import Testing

@testable import PooledEcho

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
