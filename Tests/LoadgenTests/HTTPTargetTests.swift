import Testing

@testable import loadgen

@Suite("URLs")
struct HTTPTargetTests {
    @Test(
        "A URL says whom to ask, and for what",
        arguments: [
            ("http://localhost", "localhost", 80, "localhost", "/"),
            ("http://h:8080/a/b?c=d", "h", 8080, "h:8080", "/a/b?c=d"),
            ("HTTP://1.2.3.4/#x", "1.2.3.4", 80, "1.2.3.4", "/"), ("http://[::1]/a:b", "::1", 80, "[::1]", "/a:b"),
            ("http://[::1]:81?q", "::1", 81, "[::1]:81", "/?q"), ("http://h//a%20b", "h", 80, "h", "//a%20b"),
        ] as [(String, String, UInt16, String, String)])
    func parts(url: String, name: String, port: UInt16, host: String, path: String) throws {
        let target = try HTTPTarget(url)
        #expect(target.endpoint == Endpoint(host: name, port: port))
        #expect(target.host == host && target.path == path)
        #expect(
            target.request.hasPrefix("GET \(path) HTTP/1.1\r\nHost: \(host)\r\n")
                && target.request.hasSuffix("\r\n\r\n"))
    }

    @Test(
        "What is no URL that can be measured is refused, and it is said why",
        arguments: [
            ("https://h/", HTTPTargetError.https), ("HTTPS://h", .https), ("h:80/x", .noURL), ("", .noURL),
            ("ftp://h", .noURL),
            ("http:/h", .noURL), ("http://h/a b", .unescaped), ("http://h/ä", .unescaped),
            ("http://h/\r\nX: y", .unescaped),
            ("http://u:p@h/", .user), ("http://", .noHost), ("http:///a", .noHost), ("http://h:0/", .noHost),
            ("http://h:99999/", .noHost), ("http://h:/", .noHost), ("http://::1/", .noHost), ("http://h:x/", .noHost),
        ])
    func refuses(url: String, error: HTTPTargetError) {
        #expect(throws: error) { try HTTPTarget(url) }
    }
}
