import SystemSupport
import Testing

@testable import loadgen

@Suite("HOST:PORT")
struct EndpointTests {
    @Test("IPv4, IPv6 in brackets, and names")
    func reads() {
        #expect(Endpoint("127.0.0.1:7777") == Endpoint(host: "127.0.0.1", port: 7777))
        #expect(Endpoint("[::1]:80") == Endpoint(host: "::1", port: 80))
        #expect(Endpoint("[fe80::1%lo]:65535") == Endpoint(host: "fe80::1%lo", port: 65535))
        #expect(Endpoint("echo.example:1") == Endpoint(host: "echo.example", port: 1))
    }

    @Test(
        "What is no endpoint is refused",
        arguments: [
            "", "7777", "localhost", "localhost:", ":7777", "localhost:0", "localhost:65536", "localhost:-1",
            "localhost:+1", "localhost:80x", "::1:7777", "[::1]", "[]:80", "[::1:80", "a b:80",
        ])
    func refuses(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test("It is written as it is read", arguments: ["127.0.0.1:7777", "[::1]:7777", "localhost:1"])
    func writes(text: String) {
        #expect(Endpoint(text)?.description == text)
    }

    @Test("A name resolves, and of its addresses the one where somebody listens is taken", arguments: [false, true])
    func resolvesNames(ipv6: Bool) throws {
        let peer = EchoPeer(ipv6: ipv6)
        defer { peer.stop() }
        let both = try ["127.0.0.1", "::1"].flatMap {
            try Endpoint(host: $0, port: peer.port).addresses()
        }
        let reachable = SocketAddress.firstReachable(of: both, timeoutSeconds: 2)
        #expect((reachable.family == both[1].family) == ipv6)
        #expect(try !Endpoint(host: "localhost", port: 1).addresses().isEmpty)
    }

    @Test("A name without an address is an error that names it")
    func unknownName() {
        let error = #expect(throws: AddressError.self) {
            try Endpoint(host: "no-such-host.invalid", port: 1).addresses()
        }
        #expect(error?.description.hasPrefix("no address for 'no-such-host.invalid'") == true)
    }
}
