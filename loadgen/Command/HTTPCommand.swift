import ArgumentParser
import Crypto
import SystemSupport

/// `loadgen http URL`.
struct HTTPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "http",
        abstract: "Measures one URL of an HTTP/1.1 server.",
        discussion: """
            The load is a closed loop of GET requests on connections that stay open: each keeps --pipeline requests in \
            flight, and sends the next one when a response is complete. If the server closes a connection, it is opened \
            again, and the time for that counts towards the next response. Bodies are only counted, unless --verify or \
            --sha256 says what they must be.

            Exit status: 0 when something was measured without an error and every response had status 200, 1 when anything \
            was wrong, refused, lost or left unanswered, 64 on wrong usage.

            Times take ms, s, m or h.

            Example: loadgen http http://127.0.0.1:8080/index.html --verify index.html --duration 30s
            """)

    struct Verification: ParsableArguments {
        @Option(
            help: ArgumentHelp("Compare every byte of every body with this file.", valueName: "file"),
            completion: .file())
        var verify: String?

        @Option(
            name: .customLong("sha256"),
            help: ArgumentHelp(
                """
                Fetch the body once before measuring, check that it has this SHA-256, and compare every byte of every body \
                with it. The body is kept in memory.
                """, valueName: "hash"))
        var hash: String?

        func validate() throws {
            guard verify == nil || hash == nil else { throw ValidationError("give only one of --verify and --sha256") }
            if let hash, hash.utf8.count != 64 || !hash.allSatisfy(\.isHexDigit) {
                throw ValidationError("--sha256 takes 64 hexadecimal digits, as sha256sum prints them, not '\(hash)'")
            }
        }
    }

    @Argument(
        help: "The URL to request: http://127.0.0.1:8080/index.html.",
        transform: { text in try HTTPTarget(text) })
    var url: HTTPTarget

    @OptionGroup(title: "Load") var load: LoadOptions
    @OptionGroup(title: "Verification") var verification: Verification
    @OptionGroup(title: "Output") var output: ResultOptions

    func run() throws {
        let address = try load.address(of: url.endpoint)
        let expected = try expectedBody(from: address)
        let exchange = HTTPExchange(request: url.request, pipeline: load.pipeline, expected: expected)
        try load.run(exchange, to: address, output: output) { tally in
            LoadReport(target: url.url, .http(isVerified: expected != nil), plan: load.plan, tally: tally)
        }
    }

    private func expectedBody(from address: SocketAddress) throws -> ReferenceBody? {
        if let verify = verification.verify { return try ReferenceBody(file: verify) }
        guard let hash = verification.hash else { return nil }
        let body = try ReferenceRequest.body(
            of: url, from: address, timeoutSeconds: load.plan.connectTimeoutSeconds)
        let actual = SHA256.hash(data: body).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        guard actual == hash.lowercased() else {
            throw ReferenceError("\(url.url): the body's SHA-256 is \(actual), not \(hash.lowercased())")
        }
        return ReferenceBody(copying: body)
    }
}
