import TestSupport
import Glibc
import Synchronization

/// An HTTP server on a real socket, a thread a connection, that answers as it is told.
final class HTTPPeer: Sendable {
    struct Reply: Sendable {
        var bytes: [UInt8]
        /// Whether the connection is closed after it.
        var closes = false
        /// The most bytes that are written at a time.
        var pieceByteCount = Int.max

        init(_ text: String, closes: Bool = false, pieceByteCount: Int = .max) {
            bytes = Array(text.utf8)
            self.closes = closes
            self.pieceByteCount = pieceByteCount
        }

        /// 200 with a body of that length announced.
        static func ok(_ body: String, fields: String = "", closes: Bool = false, pieceByteCount: Int = .max) -> Reply {
            let head = "HTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n"
            return Reply(head + body, closes: closes, pieceByteCount: pieceByteCount)
        }
    }

    let port: UInt16
    private let listener: Int32
    private let respond: @Sendable (_ request: Int) -> Reply?
    private let sockets = Mutex<[Int32]>([])
    private let requests = Mutex<[String]>([])

    var acceptedCount: Int { sockets.withLock { $0.count } }
    /// The first requests that came, as they were.
    var firstRequests: [String] { requests.withLock { $0 } }

    /// - Parameter respond: is given how many requests came before on the connection; nil is no answer.
    init(_ respond: @escaping @Sendable (_ request: Int) -> Reply?) {
        self.respond = respond
        (listener, port) = EchoPeer.listen(ipv6: false)
        EchoPeer.detach { [self] in
            while true {
                let accepted = accept(listener, nil, nil)
                guard accepted >= 0 else { break }
                sockets.withLock { $0.append(accepted) }
                EchoPeer.detach { [self] in
                    serve(accepted)
                    shutdown(accepted, Int32(SHUT_RDWR))
                }
            }
        }
    }

    /// Ends the listener and all connections.
    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        for socket in sockets.withLock({ $0 }) { shutdown(socket, Int32(SHUT_RDWR)) }
    }

    private func serve(_ socket: Int32) {
        var text = ""
        var requestCount = 0
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let byteCount = recv(socket, &buffer, buffer.count, 0)
            guard byteCount > 0 else { return }
            text += String(decoding: buffer[..<byteCount], as: UTF8.self)
            while let end = text.range(of: "\r\n\r\n") {
                let request = String(text[..<end.upperBound])
                requests.withLock { if $0.count < 10 { $0.append(request) } }
                text.removeSubrange(..<end.upperBound)
                guard let reply = respond(requestCount) else { continue }
                requestCount += 1
                guard write(reply, to: socket), !reply.closes else { return }
            }
        }
    }

    private func write(_ reply: Reply, to socket: Int32) -> Bool {
        var rest = reply.bytes[...]
        while !rest.isEmpty {
            let sent = rest.prefix(reply.pieceByteCount).withUnsafeBytes { bytes in
                send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
            }
            guard sent > 0 else { return false }
            rest = rest.dropFirst(sent)
        }
        return true
    }
}

extension String {
    /// Where a text stands first. (Characters would not do: a CR LF is one.)
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var rest = utf8[...]
        while let start = rest.firstIndex(of: text.utf8.first!) {
            if rest[start...].starts(with: text.utf8) {
                return start..<utf8.index(start, offsetBy: text.utf8.count)
            }
            rest = rest[utf8.index(after: start)...]
        }
        return nil
    }
}
