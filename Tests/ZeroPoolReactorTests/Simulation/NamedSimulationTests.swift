import Glibc
import Testing

@testable import ZeroPoolReactor

/// Small scenarios of which the outcome is known, on the same simulator.
@Suite("Simulated scenarios", .serialized)
struct NamedSimulationTests {
    private func run(_ scenario: Scenario) -> Simulation {
        let simulation = Simulation(scenario)
        let violation = simulation.run()
        #expect(violation == nil, "\(simulation.trace.tail())")
        return simulation
    }

    private func peers(_ count: Int, _ change: (inout PeerPlan) -> Void = { _ in }) -> [PeerPlan] {
        var plan = PeerPlan()
        change(&plan)
        return Array(repeating: plan, count: count)
    }

    @Test("a server with 8 buffers serves 1,000 connections that read, beside 100 that don't")
    func scarceBuffers() {
        var scenario = Scenario()
        scenario.kernel.bufferCount = 8
        scenario.kernel.slotCount = 1200
        scenario.kernel.outboundCapacity = 300
        scenario.kernel.maxReceiveByteCount = 100
        scenario.limits.connection.stallSeconds = 0.1
        scenario.limits.drainSeconds = 0.1
        scenario.peers =
            peers(100) { plan in
                plan.byteCount = 2000
                plan.reading = .never
                plan.ending = .stay
            }
            + peers(1000) { plan in
                plan.connectTime = 10_000
                plan.byteCount = 300
                plan.pieceByteCount = 300
            }
        let simulation = run(scenario)
        let served = simulation.scriptedPeers.count { $0.plan.isProper && $0.readByteCount == 300 }
        #expect(served == 1000)
        #expect(simulation.statistics.scarcities > 0)
        #expect(simulation.seconds < 2)
    }

    @Test("a peer that takes nothing is cut after the stall time, while others wait, and not before")
    func stalledPeer() {
        var scenario = Scenario()
        scenario.kernel.bufferCount = 1
        scenario.kernel.maxReceiveByteCount = 100
        // There is room when the buffer is given, and not enough for what it brings.
        scenario.kernel.outboundCapacity = 50
        scenario.limits.connection.stallSeconds = 0.2
        scenario.peers =
            peers(1) { plan in
                plan.reading = .never
                plan.ending = .stay
            } + peers(1) { $0.connectTime = 1000 }
        let simulation = run(scenario)
        #expect(simulation.statistics.connections.stalled == 1)
        #expect(simulation.scriptedPeers[1].readByteCount == 100)
        #expect(simulation.seconds > 0.2)
    }

    @Test("of two peers that take nothing the longer stalled is cut, and no other where that is enough")
    func stallOrder() {
        var scenario = Scenario()
        scenario.kernel.bufferCount = 2
        scenario.kernel.maxReceiveByteCount = 100
        scenario.kernel.outboundCapacity = 50
        // Each holds one buffer.
        scenario.limits.connection.unreadBufferCount = 1
        scenario.limits.connection.stallSeconds = 0.2
        scenario.limits.drainSeconds = 0.1
        let stalled = [0, 60_000].flatMap { time in
            peers(1) { plan in
                (plan.connectTime, plan.reading, plan.ending) = (time, .never, .stay)
            }
        }
        scenario.peers = stalled + peers(1) { $0.connectTime = 100_000 }
        let simulation = run(scenario)
        let causes = simulation.scriptedPeers.map { $0.peer?.connection.ledger.cause }
        #expect(causes == [.stall, .drainEnd, nil])
    }

    @Test("the limit on connections refuses at once, and accepting goes on when one ends")
    func connectionLimit() {
        var scenario = Scenario()
        scenario.maxConnectionCount = 2
        scenario.peers = peers(5) + peers(2) { $0.connectTime = 100_000 }
        let simulation = run(scenario)
        #expect(simulation.statistics.connections.accepted == 4)
        #expect(simulation.statistics.connections.refused == 3)
        for peer in simulation.scriptedPeers.suffix(2) { #expect(peer.readByteCount == 100) }
    }

    @Test("the limit of an address refuses its own, and nobody else")
    func addressLimit() {
        var scenario = Scenario()
        scenario.maxConnectionCountPerAddress = 2
        scenario.peers = peers(4) { $0.address = 1 } + peers(2) { $0.address = 2 }
        let simulation = run(scenario)
        #expect(simulation.statistics.connections.accepted == 4)
        #expect(simulation.statistics.connections.refused == 2)
        for peer in simulation.scriptedPeers.suffix(2) { #expect(peer.readByteCount == 100) }
    }

    @Test("without descriptors accepting waits without spinning, and goes on", arguments: [EMFILE, ENFILE, ENOMEM])
    func descriptorShortage(errno: Int32) {
        var scenario = Scenario()
        scenario.shortages = [Scenario.Shortage(start: 0, end: 1_000_000, errno: errno)]
        scenario.peers = peers(3) { $0.connectTime = 10 }
        let simulation = run(scenario)
        for peer in simulation.scriptedPeers { #expect(peer.readByteCount == 100) }
        // A try each tenth of a second, and what the service itself takes.
        #expect(simulation.turnCount < 60)
        #expect(simulation.seconds >= 1 && simulation.seconds < 1.2)
    }

    @Test("who is idle is closed; whose peer takes nothing is reset; who is busy goes on")
    func idleConnections() {
        var scenario = Scenario()
        scenario.limits.connection.idleSeconds = 0.2
        scenario.kernel.outboundCapacity = 50
        scenario.stopsWhenDone = false
        scenario.stopTime = 1_000_000
        scenario.peers =
            peers(1) { plan in
                plan.byteCount = 0
                plan.ending = .stay
            }
            + peers(1) { plan in
                plan.reading = .never
                plan.ending = .stay
            }
            + peers(1) { plan in
                plan.byteCount = 10
                plan.pieceByteCount = 1
                plan.pieceInterval = 150_000
            }
        let simulation = run(scenario)
        #expect(simulation.statistics.connections.idle == 2)
        #expect(simulation.scriptedPeers[0].end == .endOfStream)
        #expect(simulation.scriptedPeers[2].readByteCount == 10)
    }

    @Test("memory comes to rest once when nothing moves any more, and nobody is woken for it again")
    func rest() {
        var scenario = Scenario()
        scenario.limits.trimSeconds = 0.1
        scenario.limits.connection.idleSeconds = 8
        scenario.stopsWhenDone = false
        scenario.stopTime = 7_000_000
        scenario.peers = peers(3) { $0.ending = .stay }
        let simulation = run(scenario)
        #expect(simulation.restCount == 1 && simulation.trimCount == 0)
        // A second each for the idle connections.
        #expect(simulation.turnCount < 30)
    }

    @Test("where much moves, only what is old goes back, until little moves")
    func trimming() {
        var scenario = Scenario()
        scenario.limits.trimSeconds = 0.02
        scenario.peers = peers(1) { plan in
            plan.byteCount = 4000
            plan.pieceByteCount = 1
            plan.pieceInterval = 100
        }
        scenario.stopDelay = 1_000_000
        let simulation = run(scenario)
        #expect(simulation.trimCount > 3)
        #expect(simulation.restCount == 1)
    }

    @Test("memory is never looked for where it is to stay")
    func noTrimming() {
        var scenario = Scenario()
        scenario.stopDelay = 5_000_000
        scenario.peers = peers(3)
        let simulation = run(scenario)
        #expect(simulation.restCount == 0 && simulation.trimCount == 0)
    }

    @Test("a peer that does not read owes no more than the limit, and what was under way")
    func owedBytes() {
        var scenario = Scenario()
        scenario.kernel.maxReceiveByteCount = 10
        scenario.kernel.outboundCapacity = 1
        scenario.limits.connection = ConnectionLimits(buffers: 8, bytes: 50)
        scenario.peers =
            peers(1) { plan in
                plan.byteCount = 1000
                plan.reading = .never
                plan.ending = .stay
            } + peers(20) { $0.connectTime = 1000 }
        let simulation = run(scenario)
        #expect(simulation.statistics.pausedReceives > 0)
        #expect((50...210).contains(simulation.statistics.maxOwedByteCount))
        for peer in simulation.scriptedPeers.suffix(20) { #expect(peer.readByteCount == 100) }
    }

    @Test("the end of the drain time cuts who still owes, by a reset")
    func drainEnd() {
        var scenario = Scenario()
        scenario.kernel.outboundCapacity = 50
        scenario.limits.drainSeconds = 0.5
        scenario.stopsWhenDone = false
        scenario.stopTime = 100_000
        scenario.peers = peers(1) { plan in
            plan.reading = .never
            plan.ending = .stay
        }
        let simulation = run(scenario)
        #expect(simulation.statistics.connections.cut == 1)
        #expect((0.6..<0.7).contains(simulation.seconds))
        #expect(simulation.scriptedPeers[0].peer?.connection.isResetForPeer == true)
    }

    @Test("a second stop ends a drain at once")
    func secondStop() {
        var scenario = Scenario()
        scenario.limits.drainSeconds = 60
        scenario.stopsWhenDone = false
        scenario.stopTime = 100_000
        scenario.secondStopDelay = 100_000
        scenario.peers = peers(1) { plan in
            plan.ending = .stay
            plan.answer = .nothing
        }
        let simulation = run(scenario)
        #expect(simulation.statistics.connections.cut == 0)
        #expect(simulation.seconds < 0.3)
    }

    @Test("whoever comes in after the cut is cut too")
    func lateArrivals() {
        for seed in 0..<60 as Range<UInt64> {
            var scenario = Scenario()
            scenario.seed = seed
            scenario.faults.reordersEvents = true
            scenario.faults.partialCompletion = 0.9
            scenario.limits.drainSeconds = 0
            scenario.stopsWhenDone = false
            scenario.stopTime = 1000
            scenario.peers = peers(20) { plan in
                plan.connectTime = 1000
                plan.ending = .stay
                plan.answer = .nothing
            }
            _ = run(scenario)
        }
    }

    @Test("a ring that dies ends its reactor with an error, whatever is under way")
    func deadRing() {
        for deathTime in stride(from: 0, to: 1000, by: 25) {
            var scenario = Scenario()
            scenario.deathTime = deathTime
            scenario.peers = peers(10) { $0.byteCount = 1000 }
            let simulation = run(scenario)
            #expect(simulation.hasFailed)
        }
    }

    @Test("a drain ends receiving, sends what came in, half-closes, and discards until the peer's end")
    func drains() {
        var scenario = Scenario()
        scenario.kernel.outboundCapacity = 200
        scenario.stopsWhenDone = false
        scenario.stopTime = 20_000
        // It goes on sending after it was told that the server has ended.
        scenario.peers = peers(3) { plan in
            plan.byteCount = 3000
            plan.pieceByteCount = 100
            plan.pieceInterval = 2000
            plan.answer = .goOn
        }
        let simulation = run(scenario)
        let statistics = simulation.statistics
        #expect(statistics.bytes.discarded > 0 && statistics.bytes.sent == statistics.bytes.received)
        #expect(statistics.connections.cut == 0)
        #expect(simulation.scriptedPeers.allSatisfy { $0.end == .endOfStream })
    }

    @Test("a connection that ends while it waits for a buffer waits no longer")
    func failedWhileWaiting() {
        var scenario = Scenario()
        scenario.kernel.bufferCount = 1
        scenario.kernel.outboundCapacity = 50
        scenario.limits.connection.stallSeconds = 10
        scenario.peers =
            peers(1) { plan in
                plan.reading = .never
                plan.ending = .stay
            } + peers(5) { $0.connectTime = 1000 }
        scenario.handlerEnds = (1...5).map { (5000 * $0, $0) }
        scenario.stopsWhenDone = false
        scenario.stopTime = 100_000
        scenario.limits.drainSeconds = 0.1
        let simulation = run(scenario)
        #expect(simulation.scriptedPeers.dropFirst().allSatisfy { $0.end == .reset })
    }

    @Test("awaits in child tasks that are cancelled or give up lose nothing", arguments: 0..<20 as Range<UInt64>)
    func cancelledAwaits(seed: UInt64) {
        var scenario = Scenario()
        scenario.seed = seed
        scenario.handler = .children
        scenario.limits.deadlineGrainSeconds = 0.0005
        scenario.kernel.outboundCapacity = 300
        scenario.kernel.maxReceiveByteCount = 50
        scenario.peers = peers(5) { plan in
            plan.byteCount = 2000
            plan.pieceInterval = 500
        }
        let simulation = run(scenario)
        for peer in simulation.scriptedPeers { #expect(peer.readByteCount == 2000) }
        #expect(simulation.cancellations.cancelled > 0)
    }

    @Test("a connection that something resets at any moment is reset, and its handler ends")
    func resetAtAnyMoment() {
        for time in stride(from: 20, to: 2000, by: 20) {
            var scenario = Scenario()
            scenario.kernel.outboundCapacity = 100
            scenario.peers = peers(2) { $0.byteCount = 1000 }
            scenario.handlerEnds = [(time, 0)]
            let simulation = run(scenario)
            #expect(simulation.scriptedPeers[1].readByteCount == 1000)
        }
    }

    @Test(
        "the limit on buffers follows that on bytes, and is never less than 16",
        arguments: [
            (4096, nil, 256, 1 << 20), (65_536, nil, 16, 1 << 20), (1 << 20, nil, 16, 4 << 20), (65_536, 1, 16, 1),
            (4096, 8 << 20, 2048, 8 << 20),
        ] as [(Int, Int?, Int, Int)])
    func limits(bufferByteCount: Int, asked: Int?, bufferCount: Int, byteCount: Int) {
        let limits = ConnectionLimits(bufferByteCount: bufferByteCount, unreadByteCount: asked)
        #expect(limits.unreadBufferCount == bufferCount && limits.unreadByteCount == byteCount)
    }
}
