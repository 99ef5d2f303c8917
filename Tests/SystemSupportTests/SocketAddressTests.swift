import Glibc
import SystemSupport
import Testing

@Suite("SocketAddress")
struct SocketAddressTests {
    @Test(
        "Digits are read and written as a client writes them",
        arguments: [
            ("127.0.0.1", "127.0.0.1:7777"), ("::1", "[::1]:7777"), ("[::1]", "[::1]:7777"),
            ("2001:db8:1:2:3:4:5:6", "[2001:db8:1:2:3:4:5:6]:7777"), ("255.254.1.0", "255.254.1.0:7777"),
        ])
    func description(host: String, description: String) throws {
        #expect(try SocketAddress(resolving: host, port: 7777).description == description)
    }

    @Test("Bytes come back as they went in, and other counts are refused")
    func bytes() throws {
        let long = (1...16).map { UInt8($0) }
        for bytes in [[192, 0, 2, 1], long] {
            let address = try #require(SocketAddress(bytes: bytes, port: 80))
            #expect(address.bytes == bytes && address.port == 80)
            #expect(address.family == (bytes.count == 4 ? .ipv4 : .ipv6))
        }
        for count in [0, 3, 5, 15, 17] {
            #expect(
                SocketAddress(
                    bytes: Array(long.prefix(count) + Array(repeating: 0, count: max(0, count - 16))), port: 1) == nil)
        }
    }

    @Test(
        "What withSockaddr gives is read back as the same address",
        arguments: ["192.0.2.1", "2001:db8::1", "fe80::1%lo"])
    func sockaddr(host: String) throws {
        let address = try SocketAddress(resolving: host, port: 65535)
        #expect(address.withSockaddr { SocketAddress(sockaddr: $0) } == address)
        #expect(address.host == host)
        let isCut = address.withSockaddr { SocketAddress(sockaddr: $0.extracting(0..<$0.byteCount - 1)) == nil }
        #expect(isCut)
    }

    @Test("A sockaddr of another family is no address")
    func otherFamily() {
        let bytes = [UInt8](repeating: UInt8(AF_UNIX), count: 1) + [UInt8](repeating: 0, count: 31)
        #expect(SocketAddress(sockaddr: bytes.span.bytes) == nil)
        #expect(SocketAddress(sockaddr: [UInt8](repeating: 2, count: 1).span.bytes) == nil)
    }

    @Test(
        "Loopback is what only this machine reaches",
        arguments: [
            ("127.0.0.1", true), ("127.255.0.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("0.0.0.0", false),
            ("128.0.0.1", false), ("::", false), ("::2", false), ("::ffff:10.0.0.1", false), ("1::1", false),
        ])
    func loopback(host: String, isLoopback: Bool) throws {
        #expect(try SocketAddress(resolving: host, port: 1).isLoopback == isLoopback)
    }

    @Test("A listener knows its address, and both ends of a connection each other's", arguments: ["127.0.0.1", "::1"])
    func connects(host: String) throws {
        let any = try SocketAddress(resolving: host, port: 0)
        let listener = socket(any.family.rawValue, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        try any.bind(listener)
        try #require(listen(listener, 1) == 0)
        let bound = try SocketAddress(boundTo: listener)
        #expect(bound.port != 0 && bound.host == host)
        let client = socket(any.family.rawValue, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        #expect(throws: AddressError.system(SystemError("getpeername", errno: ENOTCONN))) {
            try SocketAddress(peerOf: client)
        }
        try bound.connect(client)
        let accepted = accept(listener, nil, nil)
        defer { close(accepted) }
        #expect(try SocketAddress(peerOf: client) == bound)
        #expect(try SocketAddress(peerOf: accepted) == SocketAddress(boundTo: client))
    }

    @Test("What fails says which call, and why")
    func errors() throws {
        #expect(throws: AddressError.system(SystemError("getsockname", errno: EBADF))) {
            try SocketAddress(boundTo: -1)
        }
        var pair: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { pair.forEach { close($0) } }
        #expect(throws: AddressError.system(SystemError("getpeername", errno: EAFNOSUPPORT))) {
            try SocketAddress(peerOf: pair[0])
        }
        let address = try SocketAddress(resolving: "127.0.0.1", port: 1)
        #expect(throws: SystemError("bind", errno: EBADF)) { try address.bind(-1) }
        let unknown = #expect(throws: AddressError.self) {
            try SocketAddress(resolving: "no-such-host.invalid", port: 1)
        }
        #expect(unknown?.description.hasPrefix("no address for 'no-such-host.invalid': ") == true)
    }
}
