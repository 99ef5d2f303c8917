import Glibc

/// What a URL asks for, and of whom: `http://127.0.0.1:8080/index.html?x`.
struct HTTPTarget: Equatable, Sendable {
    /// As it was given, without a fragment.
    let url: String
    let endpoint: Endpoint
    /// What the Host field says.
    let host: String
    /// What the request line says: path and query.
    let path: String

    init(_ text: String) throws(HTTPTargetError) {
        let whole = text.prefix { $0 != "#" }
        guard !whole.lowercased().hasPrefix("https:") else { throw .https }
        guard whole.lowercased().hasPrefix("http://") else { throw .noURL }
        guard whole.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { throw .unescaped }
        let rest = whole.dropFirst("http://".count)
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let path = rest.dropFirst(authority.count)
        guard !authority.contains("@") else { throw .user }
        // A colon within brackets is no port's.
        let hasPort = authority.drop { $0 != "]" }.contains(":") || !authority.hasPrefix("[") && authority.contains(":")
        guard let endpoint = Endpoint(hasPort ? String(authority) : "\(authority):80") else { throw .noHost }
        url = String(whole)
        self.endpoint = endpoint
        host = String(authority)
        self.path = (path.hasPrefix("/") ? "" : "/") + path
    }

    /// The request, as it is sent.
    var request: String {
        "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: loadgen\r\nAccept: */*\r\n\r\n"
    }
}

/// Why a text is no URL that can be measured.
enum HTTPTargetError: Error, Equatable, CustomStringConvertible {
    case https, noURL, unescaped, user, noHost

    var description: String {
        switch self {
        case .https: "loadgen does not support TLS; give it an http:// URL"
        case .noURL: "a URL begins with http://, such as http://127.0.0.1:8080/index.html"
        case .unescaped: "spaces and non-ASCII characters must be percent-encoded in a URL"
        case .user: "user names and passwords are not supported"
        case .noHost: "it needs a host, and may have a port from 1 to 65535: http://HOST:PORT/PATH"
        }
    }
}

/// The same request again and again; answers are taken apart, and their bodies compared with what is expected.
@safe struct HTTPExchange: Exchange {
    let messageByteCount: Int
    let longestRunByteCount: Int
    /// What every body has to be; nil where that is not known.
    let expected: ReferenceBody?
    // SAFETY: written once in `init`, only read afterwards, and never freed: a ring that ends may leave the kernel sending
    // from it for a moment longer.
    private nonisolated(unsafe) let requests: UnsafeRawPointer

    /// Makes memory that is never freed: once a run.
    /// - Parameter pipeline: Requests that may leave in one send.
    init(request: String, pipeline: Int, expected: ReferenceBody?) {
        let bytes = Array(request.utf8)
        precondition(!bytes.isEmpty && pipeline > 0)
        messageByteCount = bytes.count
        longestRunByteCount = bytes.count * pipeline
        self.expected = expected
        // One more than leave at once: a run may begin within a request.
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes.count * (pipeline + 1), alignment: 64)
        unsafe bytes.withUnsafeBytes { bytes in
            for index in 0...pipeline {
                unsafe (memory + index * bytes.count).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
            }
        }
        unsafe requests = UnsafeRawPointer(memory)
    }

    /// A head is taken for half a KiB; a body that nobody knows, for a buffer's worth.
    var answerByteCount: Int { (expected?.byteCount ?? 64 << 10) + 512 }

    func run(connection: Int, offset: Int, byteCount: Int) -> UnsafeRawBufferPointer {
        precondition(byteCount <= longestRunByteCount, "a run has at most as many requests as are in flight")
        return unsafe UnsafeRawBufferPointer(start: requests + offset % messageByteCount, count: byteCount)
    }

    func answers(onConnection number: Int) -> HTTPAnswers {
        HTTPAnswers(connection: number, requestByteCount: messageByteCount, expected: expected)
    }
}
