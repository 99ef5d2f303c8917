import HTTP1
import Testing

@testable import loadgen

@Suite("Answers on a connection")
struct ResponseStreamTests {
    private struct Read: Equatable {
        var statuses: [Int] = []
        var bodies: [String] = []
        var fault: ResponseFault?
        /// Whether the last answer ends with the stream.
        var endsWithStream = false
    }

    /// Reads bytes in pieces that end at these offsets.
    private func read(_ bytes: [UInt8], cuts: [Int]) -> Read {
        var stream = ResponseStream()
        var read = Read()
        var body: [UInt8] = []
        var start = 0
        for end in cuts + [bytes.count] {
            let piece = Array(bytes[start..<end])
            start = end
            var offset = 0
            steps: while true {
                switch stream.next(in: piece.span.bytes, from: &offset) {
                case .head(let head): read.statuses.append(head.status)
                case .body(let range): body += piece[range]
                case .end:
                    read.bodies.append(String(decoding: body, as: UTF8.self))
                    body = []
                case .incomplete:
                    #expect(offset == piece.count)
                    break steps
                case .malformed(let fault):
                    read.fault = fault
                    return read
                }
            }
        }
        read.endsWithStream = stream.ended()
        if read.endsWithStream { read.bodies.append(String(decoding: body, as: UTF8.self)) }
        return read
    }

    /// Whole, byte by byte, and cut in two anywhere.
    private func read(_ text: String) -> Read {
        let bytes = Array(text.utf8)
        let whole = read(bytes, cuts: [])
        #expect(read(bytes, cuts: Array(1..<bytes.count)) == whole)
        for cut in 1..<bytes.count { #expect(read(bytes, cuts: [cut]) == whole, "cut at \(cut)") }
        return whole
    }

    @Test("Answers with all kinds of bodies, one after the other, in whatever pieces")
    func pipelined() {
        let read = read(
            """
            HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No\r\n\r
            HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1;x\r\nd\r\n0\r\nT: 1\r\n\r
            HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the\r\n\r\nend
            """)
        #expect(read.statuses == [200, 100, 204, 200, 404, 200])
        #expect(read.bodies == ["hello", "", "abcd", "", "to the\r\n\r\nend"] && read.endsWithStream)
    }

    @Test("A stream that ends within an answer with a length, or a head, does not complete it")
    func incomplete() {
        for text in ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nContent-"] {
            let read = read(text)
            #expect(read.bodies.isEmpty && !read.endsWithStream && read.fault == nil)
        }
    }

    @Test("What is no answer is a fault")
    func malformed() {
        #expect(read("SSH-2.0-OpenSSH_9.2\r\n").fault == .badStatusLine)
        #expect(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n").fault == .badChunk)
        let endless = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "x", count: 64 << 10)
        #expect(read(Array(endless.utf8), cuts: [100]).fault == .headTooLarge)
    }
}
