@testable import HTTP1
import NIOCore
import NIOEmbedded
import NIOHTTP1
import TestSupport
import Testing

/// Ours against swift-nio's parser, on requests that are nearly right. `ZEROPOOL_HTTP1_SEEDS=N` tries N of them,
/// `ZEROPOOL_HTTP1_SEED=S` one, which it prints.
@Suite("HTTP1 beside swift-nio")
struct DifferentialTests {
    @Test("Where they differ, ours is the stricter, and it is known why")
    func seeds() {
        let isReplay = SeededGenerator.environment("ZEROPOOL_HTTP1_SEED") != nil
        let base = SeededGenerator.environment("ZEROPOOL_HTTP1_SEED") ?? UInt64.random(in: 0...1 << 62)
        let seedCount = SeededGenerator.environment("ZEROPOOL_HTTP1_SEEDS") ?? (Sanitizer.isActive ? 500 : 3000)
        let count = isReplay ? 1 : seedCount
        print("\(count) requests from seed \(base) on")
        var acceptedCount = 0
        var differences: [KnownDifference: Int] = [:]
        for seed in base..<base + count {
            var mutator = RequestMutator(seed: seed)
            let bytes = Self.ended(mutator.next())
            if isReplay { print(String(decoding: bytes, as: UTF8.self).debugDescription, Parsed(bytes)) }
            do {
                let difference = try Self.compare(bytes)
                if Parsed(bytes).head != nil { acceptedCount += 1 }
                if let difference { differences[difference, default: 0] += 1 }
            } catch {
                Issue.record(
                    """
                    Seed \(seed): \(error), of \(String(decoding: bytes, as: UTF8.self).debugDescription). Replay it with \
                    ZEROPOOL_PEER_TESTS=1 ZEROPOOL_HTTP1_SEED=\(seed) swift test --disable-xctest --filter DifferentialTests
                    """)
                // One failure is enough to look at.
                break
            }
        }
        let counts = differences.map { "\($0.value) \($0.key)" }.sorted().joined(separator: ", ")
        print("\(acceptedCount) accepted by both; known differences: \(counts)")
        if count >= 1000 { #expect(acceptedCount > count / 20 && differences.count > 5) }
    }

    @Test("The corpus is accepted and refused alike, but for what is known", arguments: RequestCorpus.all)
    func corpus(entry: RequestCorpus.Entry) throws {
        _ = try Self.compare(Self.ended(Array(entry.text.utf8)))
    }

    @Test("Every known difference is one: NIO accepts it, and we do not", arguments: KnownDifference.allCases)
    func knownDifferences(difference: KnownDifference) throws {
        let bytes = Array(difference.example.utf8)
        #expect(NIOParsed(bytes).heads.count == 1)
        #expect(try Self.compare(bytes) == difference)
    }

    struct Disagreement: Error, CustomStringConvertible {
        let description: String
    }

    /// With an end, so that nobody waits for more.
    private static func ended(_ bytes: [UInt8]) -> [UInt8] {
        Parsed(bytes).outcome == .incomplete ? bytes + Array("\r\n\r\n".utf8) : bytes
    }

    /// - Returns: The known difference, if there is one.
    /// - Throws: Where they differ otherwise.
    private static func compare(_ bytes: [UInt8]) throws -> KnownDifference? {
        let ours = Parsed(bytes)
        let nio = NIOParsed(bytes)
        switch ours.outcome {
        case .incomplete:
            // A lone CR at the end, for instance: NIO has no head either.
            guard nio.heads.isEmpty else { throw Disagreement(description: "we wait, NIO has a head") }
            return nil
        case .refused(let refusal):
            guard !nio.heads.isEmpty else { return nil }
            if let difference = KnownDifference(refusal, of: bytes) { return difference }
            throw Disagreement(description: "we refuse it (\(refusal)), NIO does not")
        case .head:
            guard let head = ours.head else { return nil }
            guard let theirs = nio.heads.first else {
                if case HTTPParserError.invalidMethod? = nio.error { return nil }
                throw Disagreement(description: "NIO refuses it (\(nio.error.map { "\($0)" } ?? "-")), we do not")
            }
            try compare(head, theirs, of: bytes)
            try compareEnds(head, of: Array(bytes[..<head.byteCount]))
            return nil
        }
    }

    private static func compare(_ head: RequestHead, _ theirs: HTTPRequestHead, of bytes: [UInt8]) throws {
        func equal<Value: Equatable>(_ name: String, _ ours: Value, _ theirs: Value) throws {
            guard ours == theirs else { throw Disagreement(description: "\(name): \(ours), NIO \(theirs)") }
        }
        let line = bytes[text: head.requestLine]
        try equal("method", String(line.prefix { $0 != " " }), theirs.method.rawValue)
        try equal("target", bytes[text: head.target], theirs.uri)
        try equal("version", head.version == .http11 ? .http1_1 : .http1_0, theirs.version)
        // `close` outweighs `keep-alive` (RFC 9112, 9.3); with NIO not in HTTP/1.0.
        let isClosed = head.version == .http10 && !head.keepsAlive
        try equal("keeps alive", head.keepsAlive, theirs.isKeepAlive && !isClosed)
        for field in RequestField.allCases {
            var ours: [String] = []
            withSpan(bytes) { bytes in
                head.forEachValue(of: field, in: bytes) { value in
                    ours.append(value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
                    return true
                }
            }
            // NIO leaves blanks at the end of a value.
            let values = theirs.headers["\(field.name)"].map { $0.replacing(/[ \t]+$/, with: "") }
            try equal("\(field)", ours, values)
        }
    }

    /// Both see the next request where we see it: nothing can be smuggled between them.
    private static func compareEnds(_ head: RequestHead, of headBytes: [UInt8]) throws {
        // After these NIO takes what follows for something else, or for an error.
        guard head.keepsAlive, head.method != .connect else { return }
        let body: [UInt8]
        switch head.body {
        case .none: body = []
        case .bytes(let count):
            guard count < 10_000 else { return }
            body = [UInt8](repeating: UInt8(ascii: "x"), count: count)
        case .chunked: body = Array("0\r\n\r\n".utf8)
        }
        let nio = NIOParsed(headBytes + body + Array("GET /next HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        guard nio.heads.count == 2, nio.heads[1].uri == "/next" else {
            throw Disagreement(description: "the next request: NIO has \(nio.heads.map(\.uri)), \(nio.endCount) ended")
        }
    }
}

/// Where swift-nio's parser accepts what ours refuses, and why ours does. In nothing else may they differ but that NIO knows a
/// fixed list of methods, where we take any token and leave the answer, 501, to the server.
enum KnownDifference: CaseIterable {
    /// One empty line before a request is passed over (RFC 9112, 2.2), not any number of CR and LF.
    case linesBefore
    /// More than one space between the parts of a request line (RFC 9112, 3).
    case spaces
    /// NIO takes nearly any bytes for a target: user names (RFC 9110, 4.2.4), empty hosts (4.2.1), other schemes, fragments,
    /// backslashes, bytes above ASCII (RFC 3986), `*` without OPTIONS, paths with CONNECT (RFC 9112, 3.2).
    case target
    /// Whose the request is must be certain, and said once (RFC 9112, 3.2). NIO leaves that to its users.
    case missingHost, repeatedHost, badHost
    /// A body longer than an `Int` counts; NIO counts in 64 bits without a sign.
    case contentLength
    /// Transfer codings that leave it open where the body ends, or that nobody undoes (RFC 9112, 6.1, 6.3).
    case transferEncoding
    /// RFC 9110, 10.1.1, lets a server refuse what it does not know with 417.
    case expectation

    /// A request that shows it.
    var example: String {
        switch self {
        case .linesBefore: "\n\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"
        case .spaces: "GET /  HTTP/1.1\r\nHost: a\r\n\r\n"
        case .target: "GET http://user@a/ HTTP/1.1\r\nHost: a\r\n\r\n"
        case .missingHost: "GET / HTTP/1.1\r\n\r\n"
        case .repeatedHost: "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"
        case .badHost: "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"
        case .contentLength: "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n"
        case .transferEncoding: "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n"
        case .expectation: "GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n"
        }
    }

    /// The difference that a refusal of ours is; nil where NIO should refuse as well.
    init?(_ refusal: RequestRefusal, of bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let lines = Array(bytes.prefix { $0 == 0x0d || $0 == 0x0a })
        let beginsOddly = !lines.isEmpty && lines != [0x0d, 0x0a]
        switch refusal {
        case .bareLineFeed where beginsOddly, .bareCarriageReturn where beginsOddly, .badMethod where beginsOddly:
            self = .linesBefore
        case .badVersion where text.contains("  HTTP/1."), .badTarget where text.contains(#/^[\r\n]*[A-Z-]+  /#):
            self = .spaces
        case .badTarget: self = .target
        case .missingHost: self = .missingHost
        case .repeatedHost: self = .repeatedHost
        case .badHost: self = .badHost
        case .badContentLength where text.contains(/[0-9]{19}/): self = .contentLength
        case .badTransferEncoding, .unknownTransferCoding: self = .transferEncoding
        case .unknownExpectation: self = .expectation
        default: return nil
        }
    }
}

/// What swift-nio's parser, which is llhttp, makes of some bytes.
struct NIOParsed {
    private(set) var heads: [HTTPRequestHead] = []
    /// Requests of which it has seen the end.
    private(set) var endCount = 0
    private(set) var error: (any Error)?

    init(_ bytes: [UInt8]) {
        let channel = EmbeddedChannel(
            handler: ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        do {
            try channel.writeInbound(ByteBuffer(bytes: bytes))
        } catch {
            self.error = error
        }
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head): heads.append(head)
            case .body: break
            case .end: endCount += 1
            }
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
