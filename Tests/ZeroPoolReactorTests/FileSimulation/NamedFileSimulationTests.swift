import Glibc
import Testing
import ZeroPoolURing

@testable import PooledEcho
@testable import ZeroPoolReactor

/// Small scenarios of file handlers, of which the outcome is known.
@Suite("Simulated scenarios of files", .serialized)
struct NamedFileSimulationTests {
    private func run(_ scenario: FileScenario) -> FileSimulation {
        let simulation = FileSimulation(scenario)
        let violation = simulation.run()
        #expect(violation == nil, "\(violation ?? "")\n\(simulation.trace.tail())")
        return simulation
    }

    /// A server of the file `f`, and a client that asks it all this at once.
    private func scenario(
        byteCount: Int, _ requests: [FileRequest], _ change: (inout PeerPlan) -> Void = { _ in }
    ) -> FileScenario {
        var scenario = FileScenario()
        scenario.files = [("f", .regular, byteCount)]
        scenario.service.minBytesPerSecond = 0
        scenario.add(requests, change)
        return scenario
    }

    private func statuses(_ simulation: FileSimulation, _ peer: Int = 0) -> [Substring] {
        simulation.text(sentTo: peer).split(separator: "HTTP/1.1 ", omittingEmptySubsequences: false).dropFirst().map {
            $0.prefix { $0 != "\r\n" }
        }
    }

    @Test("a small file goes out with its head, in one send")
    func smallFile() {
        let simulation = run(scenario(byteCount: 50, [FileRequest(path: "/f")]))
        #expect(statuses(simulation) == ["200 OK"])
        #expect(simulation.sendCount == 1 && simulation.statistics.reads == 1)
    }

    @Test("a head that comes in pieces is answered once it is whole")
    func partialHead() {
        let simulation = run(
            scenario(byteCount: 50, [FileRequest(path: "/f")]) { plan in
                (plan.pieceByteCount, plan.pieceInterval) = (1, 1000)
            })
        #expect(statuses(simulation) == ["200 OK"])
    }

    @Test("requests that come at once are answered in order, and the next begins before the last one is sent")
    func pipelined() {
        let requests = [FileRequest(path: "/f"), FileRequest(path: "/none"), FileRequest(path: "/f", isLast: true)]
        var scenario = scenario(byteCount: 100_000, requests)
        scenario.kernel.outboundCapacity = 1000
        let simulation = run(scenario)
        #expect(statuses(simulation) == ["200 OK", "404 Not Found", "200 OK"])
    }

    @Test("a short read is read on, into the same block")
    func shortRead() {
        var scenario = scenario(byteCount: 5000, [FileRequest(path: "/f")])
        scenario.disk.shortRead = 1
        let simulation = run(scenario)
        #expect(simulation.statistics.reads > 1 && simulation.sendCount == 1)
    }

    @Test("a file that is written, or cut short, while it is sent resets the connection", arguments: [2_000_000, 100])
    func changed(byteCount: Int) {
        var scenario = scenario(byteCount: 2_000_000, [FileRequest(path: "/f")]) { $0.ending = .stay }
        scenario.kernel.outboundCapacity = 1000
        scenario.changes = [(1000, "f", .rewrite(byteCount: byteCount))]
        let simulation = run(scenario)
        #expect(simulation.statistics.changedFiles == 1)
        #expect(simulation.scriptedPeers[0].end == .reset)
    }

    @Test("a file that can't be read resets the connection, and no other")
    func unreadable() {
        var scenario = scenario(byteCount: 1000, [FileRequest(path: "/f")]) { $0.ending = .stay }
        scenario.disk.readFailure = 1
        scenario.add([FileRequest(path: "/none")])
        let simulation = run(scenario)
        #expect(simulation.statistics.failedReads == 1)
        #expect(simulation.scriptedPeers[0].end == .reset && simulation.scriptedPeers[1].end == .endOfStream)
    }

    @Test("without descriptors a request is refused, and the files that nobody uses are closed for the next")
    func descriptorShortage() {
        var scenario = scenario(byteCount: 100, ["/f", "/g", "/f"].map { FileRequest(path: $0) })
        scenario.disk.openErrnos = ["g": EMFILE]
        scenario.isCheckedForAll = false
        scenario.disk.openFailure = .leastNonzeroMagnitude
        let simulation = run(scenario)
        #expect(statuses(simulation) == ["200 OK", "503 Service Unavailable", "200 OK"])
        #expect(simulation.statistics.opens == 3 && simulation.statistics.refusedOpens == 1)
    }

    @Test("after the last response the write side is shut; who never ends its stream is closed after a while")
    func lingers() {
        var scenario = scenario(byteCount: 100, [FileRequest(path: "/f", isLast: true)]) { plan in
            (plan.ending, plan.answer) = (.stay, .nothing)
        }
        (scenario.stopsWhenDone, scenario.stopTime) = (false, 5_000_000)
        scenario.limits.connection.lingerSeconds = FilesConfiguration.lingerSeconds
        let simulation = run(scenario)
        #expect(simulation.scriptedPeers[0].end == .endOfStream)
        #expect(simulation.reactorStatistics.connections.cut == 0)
        let seconds = simulation.firstCloseSeconds ?? 0
        #expect((FilesConfiguration.lingerSeconds...FilesConfiguration.lingerSeconds + 1).contains(seconds))
    }

    @Test("an end of stream between requests, or within a head, closes", arguments: [false, true])
    func endOfStream(isWithinHead: Bool) {
        var scenario = scenario(byteCount: 100, [FileRequest(path: "/f")]) { plan in
            if isWithinHead { plan.byteCount -= 5 }
        }
        // Who does not ask to the end gets no answer.
        scenario.isCheckedForAll = false
        let simulation = run(scenario)
        #expect(statuses(simulation) == (isWithinHead ? [] : ["200 OK"]))
        #expect(simulation.scriptedPeers[0].end == .endOfStream)
    }

    @Test("draining ends a connection between requests at once, and another after its response")
    func drains() {
        var scenario = scenario(byteCount: 400_000, [FileRequest(path: "/f")]) { plan in
            (plan.ending, plan.answer) = (.stay, .close)
        }
        scenario.kernel.outboundCapacity = 1000
        scenario.add([FileRequest(path: "/none")]) { plan in (plan.ending, plan.answer) = (.stay, .close) }
        (scenario.stopsWhenDone, scenario.stopTime) = (false, 2000)
        let simulation = run(scenario)
        #expect(simulation.text(sentTo: 0).utf8.count > 400_000)
        #expect(simulation.scriptedPeers.allSatisfy { $0.end == .endOfStream })
        #expect(simulation.reactorStatistics.connections.cut == 0 && simulation.seconds < 1)
    }

    @Test("a head that takes too long is answered with 408, and one that is too large with 431")
    func refusedHeads() {
        var scenario = scenario(byteCount: 100, [FileRequest(path: "/f")]) { plan in
            (plan.pieceByteCount, plan.pieceInterval, plan.ending) = (1, 1_000_000, .stay)
        }
        scenario.service.headSeconds = 1
        scenario.service.maxHeadByteCount = 60
        scenario.add([FileRequest(path: "/" + String(repeating: "x", count: 40))]) { $0.ending = .stay }
        (scenario.stopsWhenDone, scenario.stopTime) = (false, 10_000_000)
        let simulation = run(scenario)
        #expect(simulation.statistics.slowHeads == 1 && simulation.statistics.oversizedHeads == 1)
        #expect(statuses(simulation) == ["408 Request Timeout"])
    }

    @Test("a client that sends requests and reads no response is paused")
    func inputPause() {
        let requests = (0..<200).map { _ in FileRequest(path: "/f") }
        var scenario = scenario(byteCount: 2000, requests) { plan in
            (plan.reading, plan.ending, plan.pieceByteCount) = (.never, .stay, 100)
        }
        scenario.kernel.outboundCapacity = 1000
        scenario.kernel.maxReceiveByteCount = 50
        (scenario.stopsWhenDone, scenario.stopTime, scenario.limits.drainSeconds) = (false, 1_000_000, 0.1)
        let simulation = run(scenario)
        #expect(simulation.reactorStatistics.pausedReceives > 0)
        #expect(simulation.reactorStatistics.connections.cut == 1)
    }

    @Test("a handler that is cancelled at any await ends its connection, and leaves nothing behind")
    func cancelled() {
        for delay in stride(from: 1, to: 3000, by: 40) {
            var scenario = scenario(byteCount: 100_000, [FileRequest(path: "/f"), FileRequest(path: "/none")])
            // Between two blocks all that there was is sent.
            scenario.service.blockByteCount = 4096
            scenario.kernel.outboundCapacity = 10_000
            scenario.disk.delay = 200
            scenario.cancellationDelay = delay
            _ = run(scenario)
        }
    }

    /// How a response is with the kernel.
    enum Sending: CaseIterable {
        /// It takes a little of it, and copies that.
        case stuck
        /// It takes all, and reads the server's memory until the peer has read.
        case zeroCopy
        /// The same, and the connection is to end with it.
        case lastZeroCopy
    }

    @Test(
        "who reads nothing of a response is cut, and who reads it fast enough is not", arguments: [true, false],
        Sending.allCases)
    func slowReader(isDeaf: Bool, sending: Sending) {
        var scenario = FileScenario()
        scenario.kernel.outboundCapacity = sending == .stuck ? 1000 : 1 << 20
        if sending != .stuck { scenario.kernel.zeroCopyMinimumByteCount = 1 }
        scenario.service.minBytesPerSecond = 100_000
        scenario.service.slowGraceSeconds = 0.1
        (scenario.stopsWhenDone, scenario.stopTime) = (false, 20_000_000)
        scenario.files = [("f0", .regular, 200_000)]
        let request = FileRequest(path: "/f0", isLast: sending == .lastZeroCopy)
        var plan = PeerPlan()
        (plan.byteCount, plan.ending) = (request.text.count, .stay)
        if isDeaf { plan.reading = .never }
        scenario.peers = [(plan, [request])]
        let simulation = run(scenario)
        #expect(simulation.statistics.slowReaders == (isDeaf ? 1 : 0))
        #expect((simulation.releases.count > 0) == (sending != .stuck))
    }
}

extension FileScenario {
    fileprivate mutating func add(_ requests: [FileRequest], _ change: (inout PeerPlan) -> Void = { _ in }) {
        var plan = PeerPlan()
        plan.byteCount = requests.reduce(0) { $0 + $1.text.count }
        plan.pieceByteCount = plan.byteCount
        change(&plan)
        peers.append((plan, requests))
    }
}
