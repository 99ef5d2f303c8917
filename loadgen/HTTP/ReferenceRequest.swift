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
                guard stream.ended() else { throw ReferenceError("the server closed before the answer's end") }
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
                case .malformed(let fault): throw ReferenceError("the first answer is no HTTP: \(fault.rawValue)")
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
