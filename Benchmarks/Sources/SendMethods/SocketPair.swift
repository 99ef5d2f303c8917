import Glibc

/// Two ends of a TCP connection over loopback, with room for a message in the middle.
struct SocketPair {
    let sender: Int32
    let receiver: Int32

    init(bufferByteCount: Int32) {
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var byteCount = socklen_t(MemoryLayout<sockaddr_in>.size)
        sender = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let isConnected = unsafe withUnsafeMutablePointer(to: &address) { [sender] pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name in
                unsafe bind(listener, name, byteCount) == 0 && listen(listener, 1) == 0
                    && getsockname(listener, name, &byteCount) == 0 && connect(sender, name, byteCount) == 0
            }
        }
        precondition(isConnected, "no loopback connection: errno \(errno)")
        receiver = accept(listener, nil, nil)
        close(listener)
        SocketPair.set(sender, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        SocketPair.set(sender, SOL_SOCKET, SO_SNDBUF, bufferByteCount)
        SocketPair.set(receiver, SOL_SOCKET, SO_RCVBUF, bufferByteCount)
    }

    /// Receives `byteCount` bytes into `buffer`, again and again.
    func drain(byteCount: Int, into buffer: UnsafeMutableRawBufferPointer) {
        var rest = byteCount
        while rest > 0 {
            let count = unsafe recv(receiver, buffer.baseAddress, min(rest, buffer.count), 0)
            precondition(count > 0, "recv: errno \(errno)")
            rest -= count
        }
    }

    private static func set(_ socket: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
        var value = value
        let result = unsafe setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        precondition(result == 0, "setsockopt: errno \(errno)")
    }
}
