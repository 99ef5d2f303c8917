import ArgumentParser
import SystemSupport

/// `loadgen http URL`.
struct HTTPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http",
        abstract: "Measures what one URL of an HTTP/1.1 server costs.",
        discussion: """
            A closed loop of GET requests on connections that stay open: each keeps --pipeline requests in flight, and \
            starts the next when an answer is complete. Where the server says that it closes, the connection is made \
            again, and the time that takes counts for the next answer. Bodies are verified with --verify or --sha256, and \
            else only counted. The exit status is 0 only when something was measured, every answer had status 200, and nothing \
            was wrong, refused, lost or left unanswered.
            """)

    @Argument(
        help: "What to ask for: http://127.0.0.1:8080/index.html.",
        transform: { text in try HTTPTarget(text) })
    var url: HTTPTarget

    @Option(help: ArgumentHelp("Compare every byte of every body with this file.", valueName: "file"))
    var verify: String?

    @Option(
        name: .customLong("sha256"),
        help: ArgumentHelp(
            """
            Fetch the body once before, check that it has this SHA-256, and compare every byte of every body with it. It \
            is kept in memory.
            """, valueName: "hash"))
    var hash: String?

    @OptionGroup var load: LoadOptions

    func validate() throws {
        guard verify == nil || hash == nil else { throw ValidationError("give one of --verify and --sha256") }
        if let hash, hash.utf8.count != 64 || !hash.allSatisfy(\.isHexDigit) {
            throw ValidationError("--sha256 takes 64 hexadecimal digits, as sha256sum prints them, not '\(hash)'")
        }
    }

    func run() throws {
        let address = try load.address(of: url.endpoint)
        let expected = try expectedBody(from: address)
        let exchange = HTTPExchange(request: url.request, pipeline: load.pipeline, expected: expected)
        try load.run(exchange, to: address) { tally in
            LoadReport(target: url.url, .http(isVerified: expected != nil), plan: load.plan, tally: tally)
        }
    }

    private func expectedBody(from address: SocketAddress) throws -> ReferenceBody? {
        if let verify { return try ReferenceBody(file: verify) }
        guard let hash else { return nil }
        let body = try ReferenceRequest.body(
            of: url, from: address, timeoutSeconds: load.plan.connectTimeoutSeconds)
        let actual = SHA256.hexadecimal(of: body)
        guard actual == hash.lowercased() else {
            throw ReferenceError("\(url.url): the body's SHA-256 is \(actual), not \(hash.lowercased())")
        }
        return ReferenceBody(copying: body)
    }
}
