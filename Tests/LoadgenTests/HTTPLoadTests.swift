import TestSupport
import Foundation
import Histogram
import SystemSupport
import Testing

@testable import loadgen

/// Real sockets, a real ring, servers with and without faults.
@Suite("HTTP load", .serialized, .enabled(if: Machine.allowsRings, "io_uring is not available here"))
struct HTTPLoadTests {
    private static let body = "what every body is"

    private func run(
        expecting expected: String? = body, connections: Int = 4, pipeline: Int = 1, threads: Int = 1,
        durationSeconds: Double = 0.2, _ respond: @escaping @Sendable (Int) -> HTTPPeer.Reply?
    ) throws -> (tally: LoadTally, peer: HTTPPeer) {
        let peer = HTTPPeer(respond)
        defer { peer.stop() }
        var plan = LoadPlan()
        plan.connectionCount = connections
        plan.pipeline = pipeline
        plan.threadCount = threads
        plan.warmupSeconds = 0.05
        plan.durationSeconds = durationSeconds
        plan.drainTimeoutSeconds = 1
        let target = try HTTPTarget("http://127.0.0.1:\(peer.port)/a?b")
        let exchange = HTTPExchange(
            request: target.request, pipeline: pipeline, expected: expected.map { ReferenceBody(copying: $0.utf8) })
        let address = try target.endpoint.addresses()[0]
        return (try Load.run(plan, exchange, to: address, progress: ProgressLine(isShown: false)), peer)
    }

    @Test("An honest server: everything is measured, verified and drained on the connections that were made first")
    func honest() throws {
        let (tally, peer) = try run { _ in .ok(Self.body) }
        #expect(tally.problems.isEmpty, "\(tally.problems)")
        #expect(tally.requestCount > 0 && tally.latencies.totalCount == UInt64(tally.requestCount))
        #expect(tally.totalByteCount == tally.totalRequestCount * Self.body.utf8.count)
        #expect(
            tally.statuses.counts.map(\.status) == [200] && tally.statuses.counts[0].count == tally.totalRequestCount)
        #expect(peer.acceptedCount == 4 && tally.reconnectCount == 0)
        #expect(tally.operations["connect"] == 4 && tally.operations["send"] == tally.totalRequestCount)
        #expect(peer.firstRequests.allSatisfy { $0.hasPrefix("GET /a?b HTTP/1.1\r\nHost: 127.0.0.1:\(peer.port)\r\n") })
    }

    @Test("Pipelined, on several threads, with answers in pieces of any size", arguments: [1, 7, 100])
    func pieces(pieceByteCount: Int) throws {
        let (tally, _) = try run(connections: 5, pipeline: 8, threads: 2) { _ in
            .ok(Self.body, pieceByteCount: pieceByteCount)
        }
        #expect(tally.problems.isEmpty && tally.requestCount > 0, "\(tally.problems)")
    }

    @Test("A body far beyond the receiver's buffers")
    func largeBody() throws {
        let body = String(repeating: "0123456789abcdef!", count: 300_000)
        let (tally, _) = try run(expecting: body, connections: 2, pipeline: 2, durationSeconds: 0.5) { _ in .ok(body) }
        #expect(tally.problems.isEmpty && tally.requestCount > 0, "\(tally.problems)")
    }

    @Test("A chunked body")
    func chunked() throws {
        let (tally, _) = try run { _ in
            .init(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwhat\r\ne\r\n every body is\r\n0\r\n\r\n",
                pieceByteCount: 11)
        }
        #expect(tally.problems.isEmpty && tally.requestCount > 0, "\(tally.problems)")
    }

    @Test(
        "A server that closes as it says: the connection is made again, and nothing is lost", arguments: [1, 3], [1, 4])
    func closes(every count: Int, pipeline: Int) throws {
        let (tally, peer) = try run(pipeline: pipeline) { request in
            request % count < count - 1 ? .ok(Self.body) : .ok(Self.body, fields: "Connection: close\r\n", closes: true)
        }
        #expect(tally.problems.isEmpty && tally.requestCount > 0, "\(tally.problems)")
        // Some connections are on their way when the run ends.
        #expect(tally.reconnectCount > 0 && (0...4).contains(4 + tally.reconnectCount - peer.acceptedCount))
        #expect(tally.totalRequestCount >= tally.reconnectCount * count)
    }

    @Test("A server of HTTP/1.0, whose bodies end with the connection")
    func untilClose() throws {
        let (tally, _) = try run { _ in .init("HTTP/1.0 200 OK\r\n\r\n\(Self.body)", closes: true) }
        #expect(tally.problems.isEmpty && tally.requestCount > 0 && tally.reconnectCount > 0, "\(tally.problems)")
    }

    @Test("Another status than 200 is measured, counted, and an error")
    func notFound() throws {
        let (tally, _) = try run { request in
            request % 2 == 0 ? .ok(Self.body) : .init("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        }
        #expect(tally.requestCount > 0 && Set(tally.statuses.counts.map(\.status)) == [200, 503])
        #expect(
            tally.problems == ["\(Format.count(tally.statuses.counts[1].count, "answer")) with status 503, not 200"])
    }

    @Test("A wrong byte is found, named, and ends the run")
    func wrongByte() throws {
        let start = Clock.monotonicNanoseconds
        let (tally, _) = try run(connections: 1, durationSeconds: 20) { request in
            .ok(request < 10 ? Self.body : "what avery body is")
        }
        #expect(tally.mismatch == Mismatch(connection: 0, answer: 10, offset: 5, expected: 0x65, received: 0x61))
        #expect(tally.problems.contains { $0.hasPrefix("wrong bytes: connection 0, byte 5 of the body of answer 10") })
        #expect(Clock.monotonicNanoseconds - start < 10_000_000_000)
    }

    @Test("A wrong length is an error, and ends the run")
    func wrongLength() throws {
        let (tally, _) = try run(connections: 1, durationSeconds: 20) { _ in .ok(Self.body + "!") }
        #expect(tally.failures == ["wrong length: answer 0 on connection 0 has 19 bytes, expected 18"])
    }

    @Test("A server that closes within a body has lost the connection")
    func closesEarly() throws {
        let (tally, _) = try run(durationSeconds: 20) { request in
            request < 5 ? .ok(Self.body) : .init("HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\nwhat", closes: true)
        }
        #expect(tally.losses == ["closed by the server": 4])
    }

    @Test("What is no HTTP is an error that says so")
    func noHTTP() throws {
        let (tally, _) = try run(connections: 1, durationSeconds: 20) { _ in .init("220 mail.example ESMTP\r\n") }
        #expect(
            tally.failures.first?.hasPrefix("answer 0 on connection 0 is not HTTP: a status line that is none") == true)
    }

    @Test("A server that does not answer is an error, and the run ends when its times are over")
    func silent() throws {
        let (tally, _) = try run { request in request < 3 ? .ok(Self.body) : nil }
        #expect(tally.unansweredConnectionCount == 4)
        #expect(tally.problems.contains("4 connections still waiting for answers when the time was up"))
    }

    @Test("A server that is gone when a connection is to be made again: a connect error, and the run ends")
    func goneMeanwhile() throws {
        let peer = HTTPPeer { _ in .ok(Self.body, fields: "Connection: close\r\n", closes: true) }
        EchoPeer.detach {
            usleep(200_000)
            peer.stop()
        }
        var plan = LoadPlan()
        plan.connectionCount = 2
        plan.warmupSeconds = 0
        plan.durationSeconds = 20
        let target = try HTTPTarget("http://127.0.0.1:\(peer.port)/")
        let exchange = HTTPExchange(request: target.request, pipeline: 1, expected: nil)
        let start = Clock.monotonicNanoseconds
        let tally = try Load.run(
            plan, exchange, to: try target.endpoint.addresses()[0], progress: ProgressLine(isShown: false))
        #expect(tally.connectErrorCount + tally.lostConnectionCount == 2, "\(tally.problems)")
        #expect(Clock.monotonicNanoseconds - start < 10_000_000_000)
    }

    @Test("The body that is fetched before has to be there, and whole")
    func reference() throws {
        func body(_ reply: HTTPPeer.Reply) throws -> String {
            let peer = HTTPPeer { _ in reply }
            defer { peer.stop() }
            let target = try HTTPTarget("http://127.0.0.1:\(peer.port)/x")
            let address = try target.endpoint.addresses()[0]
            return String(
                decoding: try ReferenceRequest.body(of: target, from: address, timeoutSeconds: 2), as: UTF8.self)
        }
        #expect(try body(.ok(Self.body, pieceByteCount: 3)) == Self.body)
        #expect(try body(.init("HTTP/1.0 200 OK\r\n\r\nx", closes: true)) == "x")
        #expect(throws: ReferenceError("the first answer has status 404, not 200")) {
            try body(.init("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"))
        }
        #expect(throws: ReferenceError("the server closed the connection before the end of the answer")) {
            try body(.init("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nx", closes: true))
        }
        #expect(throws: ReferenceError.self) { try body(.init("HTTP/1.1 200 OK\n\n")) }
    }

    @Test("What is compared with has to be a file that can be read; an empty one is one")
    func referenceFile() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "loadgen-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data().write(to: file)
        #expect(try ReferenceBody(file: file.path).byteCount == 0)
        try Data([1, 2, 3]).write(to: file)
        let reference = try ReferenceBody(file: file.path)
        let other: [UInt8] = [2, 4]
        let difference = reference.firstDifference(from: other.span.bytes, at: 1)
        #expect(reference.byteCount == 3)
        #expect(difference?.offset == 1 && difference?.expected == 3 && difference?.received == 4)
        #expect(throws: SystemError("/no/such/file", errno: ENOENT)) { try ReferenceBody(file: "/no/such/file") }
        #expect(throws: SystemError("/tmp is not a file", errno: EISDIR)) { try ReferenceBody(file: "/tmp") }
    }
}
