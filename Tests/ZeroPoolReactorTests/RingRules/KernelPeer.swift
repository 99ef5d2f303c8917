import Glibc

@testable import ZeroPoolReactor
import TestSupport

/// A client socket that never blocks.
final class KernelPeer: RingPeer {
    let id: Int
    /// -1 once closed, or when the connection was refused.
    private(set) var descriptor: Int32
    private var sentByteCount = 0
    private(set) var readByteCount = 0
    /// The kernel tells of it once.
    private var isReset = false
    private(set) var hasReadWrongBytes = false

    /// - Parameter receiveBufferByteCount: small by default, so that not reading is soon felt.
    init(id: Int, from address: UInt8 = 1, port: UInt16, receiveBufferByteCount: Int32 = 64 * 1024) throws {
        self.id = id
        descriptor = try check("socket", socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
        // Before it connects, for the window.
        try setSocketOption(descriptor, SO_RCVBUF, receiveBufferByteCount)
        try setSocketOption(descriptor, SO_SNDBUF, 1 << 20)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try KernelPeer.with(address, port: 0) { try check("bind", bind(descriptor, $0, length)) }
        var isRefused = false
        try KernelPeer.with(1, port: port) { server in
            let result = Glibc.connect(descriptor, server, length)
            isRefused = result < 0 && errno == ECONNREFUSED
            if !isRefused { try check("connect", result) }
        }
        if isRefused {
            close()
            isReset = true
        } else {
            try check("fcntl", fcntl(descriptor, F_SETFL, O_NONBLOCK))
        }
    }

    deinit { close() }

    private static func with(
        _ lastByte: UInt8, port: UInt16, _ body: (UnsafePointer<sockaddr>) throws -> Void
    ) rethrows {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = (0x7f00_0000 | UInt32(lastByte)).bigEndian
        try withUnsafePointer(to: &address) { pointer in
            try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { try body($0) }
        }
    }

    func send(_ byteCount: Int) -> Int? {
        guard !isReset, descriptor >= 0 else { return nil }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 1)
        defer { bytes.deallocate() }
        StreamPattern.copy(id, from: sentByteCount, to: bytes)
        let count = Glibc.send(descriptor, bytes.baseAddress, byteCount, Int32(MSG_NOSIGNAL))
        if count < 0 { return errno == EAGAIN ? 0 : nil }
        sentByteCount += count
        return count
    }

    func read(_ byteCount: Int) -> SimulatedPeer.Read {
        guard !isReset else { return .reset }
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: min(byteCount, 256 * 1024), alignment: 1)
        defer { bytes.deallocate() }
        let count = recv(descriptor, bytes.baseAddress, bytes.count, 0)
        if count == 0 { return .endOfStream }
        if count < 0 {
            if errno == EAGAIN { return .nothing }
            isReset = true
            return .reset
        }
        let isRight = StreamPattern.matches(
            id, from: readByteCount, UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        if !isRight { hasReadWrongBytes = true }
        readByteCount += count
        return .bytes(count)
    }

    func shutdownWrite() { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    func close() {
        guard descriptor >= 0 else { return }
        _ = Glibc.close(descriptor)
        descriptor = -1
    }

    func reset() {
        guard descriptor >= 0 else { return }
        var noLinger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &noLinger, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

/// A peer that sends its bytes in pieces, half-closes, and reads to the end.
final class EchoingPeer {
    let peer: KernelPeer
    private var unsentByteCount: Int
    private let byteCount: Int
    private var end: SimulatedPeer.Read?

    init(_ peer: KernelPeer, byteCount: Int) {
        self.peer = peer
        self.byteCount = byteCount
        unsentByteCount = byteCount
    }

    var isDone: Bool { end != nil }
    var isWhole: Bool { end == .endOfStream && peer.readByteCount == byteCount && !peer.hasReadWrongBytes }

    /// Sends a piece and reads what is there. - Returns: how many bytes that are.
    func advance(_ generator: inout SeededGenerator) -> Int {
        guard end == nil else { return 0 }
        var progress = 0
        if unsentByteCount > 0 {
            let count = peer.send(min(unsentByteCount, generator.skewed(1, 16 * 1024))) ?? 0
            unsentByteCount -= count
            progress += count
            if unsentByteCount == 0 { peer.shutdownWrite() }
        }
        switch peer.read(.max) {
        case .bytes(let count): progress += count
        case .nothing: break
        case let end: self.end = end
        }
        return progress
    }
}

/// A failed system call.
struct SystemCallFailure: Error {
    let call: String
    let errno: Int32
}

@discardableResult
func check(_ call: String, _ result: Int32) throws -> Int32 {
    if result < 0 { throw SystemCallFailure(call: call, errno: errno) }
    return result
}

func setSocketOption(_ descriptor: Int32, _ option: Int32, _ value: Int32) throws {
    var value = value
    try check("setsockopt", setsockopt(descriptor, SOL_SOCKET, option, &value, socklen_t(MemoryLayout<Int32>.size)))
}
