import TestSupport
import Glibc
import Testing
import ZeroPoolURing

/// A failed system call, so that a test reports `errno` instead of going on with -1.
struct SystemCallFailure: Error {
    let call: String
    let errno: Int32
}

@discardableResult
func check<Value: SignedInteger>(_ call: String, _ value: Value) throws -> Value {
    if value < 0 { throw SystemCallFailure(call: call, errno: errno) }
    return value
}

/// How a process ends that traps.
var trap: ExitTest.Condition {
    #if arch(arm64)
        .signal(SIGTRAP)
    #else
        .signal(SIGILL)
    #endif
}

func monotonicNanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// Whether memory can be registered without regard to what other tests have registered.
var mayLockMemory: Bool { Machine.allowsLockedMemory }

/// Two connected stream sockets, closed at the end.
final class SocketPair {
    let near: Int32
    let far: Int32

    init() throws {
        var descriptors: [Int32] = [-1, -1]
        try check("socketpair", socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &descriptors))
        (near, far) = (descriptors[0], descriptors[1])
    }

    deinit {
        close(near)
        close(far)
    }
}

/// A listener on the loopback, on a port that the kernel chose.
final class LoopbackListener {
    let descriptor: Int32
    private(set) var address = sockaddr_in()

    init() throws {
        descriptor = try check("socket", socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        try withUnsafeMutablePointer(to: &address) { address in
            let generic = UnsafeMutableRawPointer(address).assumingMemoryBound(to: sockaddr.self)
            try check("bind", bind(descriptor, generic, length))
            try check("listen", listen(descriptor, 64))
            try check("getsockname", getsockname(descriptor, generic, &length))
        }
    }

    /// A client socket, connected the blocking way.
    func connectedClient() throws -> Int32 {
        let client = try check("socket", socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        var address = self.address
        try withUnsafePointer(to: &address) { address in
            let generic = UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr.self)
            try check("connect", connect(client, generic, socklen_t(MemoryLayout<sockaddr_in>.size)))
        }
        return client
    }

    deinit { close(descriptor) }
}

/// Both ends of a TCP connection over the loopback.
func loopbackConnection() throws -> (near: Int32, far: Int32) {
    let listener = try LoopbackListener()
    let far = try listener.connectedClient()
    return (try check("accept", accept(listener.descriptor, nil, nil)), far)
}

/// Page-aligned memory that stays where it is until the test is over.
final class TestMemory {
    let bytes: UnsafeMutableRawBufferPointer

    init(byteCount: Int, filledWith pattern: (Int) -> UInt8 = { _ in 0 }) {
        bytes = .allocate(byteCount: byteCount, alignment: 4096)
        for index in 0..<byteCount { bytes[index] = pattern(index) }
    }

    var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }

    deinit { bytes.deallocate() }
}

extension Ring {
    /// Submits, then reaps until `count` completions came. Fewer come back when `limit` is over first.
    func reap(_ count: Int, within limit: Duration = .seconds(5)) throws -> [Completion] {
        var completions: [Completion] = []
        let deadline = ContinuousClock.now + limit
        while completions.count < count, ContinuousClock.now < deadline {
            try submitAndWait(timeout: .milliseconds(100))
            forEachCompletion { completions.append($0) }
        }
        return completions
    }

    /// The next completion, of which there must be exactly one.
    func reapOne() throws -> Completion {
        let completions = try reap(1)
        try #require(completions.count == 1)
        return completions[0]
    }
}

/// Writes all of `text` to a blocking descriptor.
func writeAll(_ text: String, to descriptor: Int32) throws {
    var text = text
    try text.withUTF8 { bytes in
        let count = try check("write", write(descriptor, bytes.baseAddress, bytes.count))
        try #require(count == bytes.count)
    }
}

/// Reads once from a blocking descriptor.
func readText(from descriptor: Int32, atMost limit: Int = 65536) throws -> String {
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = try check("read", read(descriptor, &bytes, limit))
    return String(decoding: bytes[..<count], as: UTF8.self)
}
