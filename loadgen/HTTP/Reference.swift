import Glibc
import HTTP1
import SystemSupport

/// One request before the load: what it gets, and has the right hash, all others have to get.
enum ReferenceRequest {
    /// Blocks until the answer is there.
    /// - Parameter timeoutSeconds: How long nothing may come.
    static func body(
        of target: HTTPTarget, from address: SocketAddress, timeoutSeconds: Double
    ) throws(ReferenceError) -> [UInt8] {
        do {
            let socket = try address.makeSocket()
            defer { close(socket) }
            var time = timeval(tv_sec: Int(timeoutSeconds), tv_usec: 0)
            for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
                unsafe setsockopt(socket, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
            }
            try address.connect(socket)
            let request = Array(target.request.utf8)
            let sent = unsafe request.withUnsafeBytes { bytes in
                unsafe send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard sent == request.count else { throw SystemError("send") }
            return try receive(from: socket)
        } catch let error as ReferenceError {
            throw error
        } catch {
            throw ReferenceError("\(target.url): \(error)")
        }
    }

    private static func receive(from socket: Int32) throws -> [UInt8] {
        var stream = ResponseStream()
        var body: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let received = unsafe recv(socket, &piece, piece.count, 0)
            guard received >= 0 else { throw SystemError("recv") }
            guard received > 0 else {
                guard stream.ended() else {
                    throw ReferenceError("the server closed the connection before the end of the answer")
                }
                return body
            }
            var offset = 0
            steps: while true {
                let bytes = unsafe piece.span.bytes.extracting(0..<received)
                switch stream.next(in: bytes, from: &offset) {
                case .head(let head):
                    guard head.isInterim || head.status == 200 else {
                        throw ReferenceError("the first answer has status \(head.status), not 200")
                    }
                case .body(let range): body += piece[range]
                case .end: return body
                case .incomplete: break steps
                case .malformed(let fault): throw ReferenceError("the first answer is not HTTP: \(fault.rawValue)")
                }
            }
        }
    }
}

/// Why there is nothing to verify against.
struct ReferenceError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// What every body has to be: a file, what was fetched before, or so many bytes of the pattern. What is in memory stays there
/// as long as the process.
@safe struct ReferenceBody: Sendable {
    /// The stream of the pattern of which a body is the beginning; nil for one in memory.
    private let patternStream: Int?
    // SAFETY: never written after `init`, and never freed.
    private nonisolated(unsafe) let bytes: UnsafeRawBufferPointer
    let byteCount: Int

    /// The first bytes of a stream of the pattern, which takes no memory and is found without reading a file.
    init(patternStream: Int, byteCount: Int) {
        self.patternStream = patternStream
        self.byteCount = byteCount
        unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
    }

    /// Keeps a copy.
    init(copying content: some Collection<UInt8>) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
        unsafe memory.copyBytes(from: content)
        unsafe bytes = UnsafeRawBufferPointer(memory)
        patternStream = nil
        byteCount = content.count
    }

    /// Maps a file, which must not change as long as the process runs.
    init(file path: String) throws(SystemError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(path) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw SystemError(path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw SystemError("\(path) is not a file", errno: status.st_mode & S_IFMT == S_IFDIR ? EISDIR : EINVAL)
        }
        patternStream = nil
        byteCount = Int(status.st_size)
        guard status.st_size > 0 else {
            unsafe bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let memory = unsafe mmap(nil, Int(status.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { throw SystemError(path) }
        unsafe bytes = UnsafeRawBufferPointer(start: memory, count: Int(status.st_size))
    }

    /// Compares a part of a body with what stands there. About the cost of a `memcmp`.
    /// - Parameter offset: Where the part begins in the body; it has to end within it.
    /// - Returns: where and how they differ first, counted from the part's beginning; or nil.
    func firstDifference(from body: RawSpan, at offset: Int) -> (offset: Int, expected: UInt8, received: UInt8)? {
        if let patternStream {
            let mismatch = unsafe body.withUnsafeBytes { body in
                unsafe BytePattern.shared.firstMismatch(in: body, connection: patternStream, offset: offset)
            }
            return mismatch.map { ($0.offset - offset, $0.expected, $0.received) }
        }
        let there = unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + body.byteCount])
        return unsafe body.withUnsafeBytes { body in
            guard body.count > 0, unsafe memcmp(body.baseAddress!, there.baseAddress!, body.count) != 0 else {
                return nil
            }
            let index = body.indices.first { unsafe body[$0] != there[$0] }!
            return unsafe (index, there[index], body[index])
        }
    }
}
