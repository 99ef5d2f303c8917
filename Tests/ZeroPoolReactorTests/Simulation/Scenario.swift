import Glibc

@testable import ZeroPoolReactor
import TestSupport

/// All that one simulation does, from its seed: kernel, faults, limits and peers. Without a seed, a calm one to change.
struct Scenario {
    /// A time in which no connection can be accepted for want of descriptors.
    struct Shortage {
        var start: Int
        var end: Int
        var errno: Int32
    }

    var seed: UInt64 = 0
    var kernel = SimulatedKernel.Parameters()
    var faults = FaultPlan()
    /// What serves connections.
    enum Handler {
        /// The server's.
        case echo
        /// One that does everything in child tasks, which are cancelled or give up at any await.
        case children
    }

    var handler = Handler.echo
    var limits = ReactorLimits(connection: ConnectionLimits(buffers: 16, bytes: 1 << 20), trimSeconds: 0)
    var maxConnectionCount = 10_000
    var maxConnectionCountPerAddress: Int?
    var peers: [PeerPlan] = []
    /// When the server is stopped, in microseconds; where that is said, sooner: a while after all proper peers are done.
    var stopTime = 10_000_000
    var stopsWhenDone = true
    var stopDelay = 1000
    /// After how long it is stopped again.
    var secondStopDelay: Int?
    var deathTime: Int?
    var shortages: [Shortage] = []
    /// When the network resets a connection, and which.
    var networkResets: [(time: Int, peer: Int)] = []
    /// When something in the program ends a connection under its handler, and which.
    var handlerEnds: [(time: Int, peer: Int)] = []

    init() {}

    /// "Swarm testing": each seed has its own choice of what can go wrong, so that some are calm, and some are not.
    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        self.seed = seed
        kernel.bufferCount = 1 << random.integer(0, 6)
        kernel.providedBufferCount = random.chance(0.5) ? kernel.bufferCount : random.integer(1, kernel.bufferCount)
        kernel.maxReceiveByteCount = random.skewed(1, 1000)
        kernel.inboundCapacity = random.skewed(1, 4000)
        kernel.outboundCapacity = random.skewed(1, 4000)
        if random.chance(0.25) { kernel.timeGrain = random.element([50, 1000, 12_500]) }
        if random.chance(0.3) { kernel.zeroCopyMinimumByteCount = random.skewed(1, 500) }
        kernel.copiesZeroCopy = random.chance(0.3)
        chooseLimits(&random)
        let peerCount = random.skewed(1, random.chance(0.1) ? 60 : 20)
        // A file table that is sometimes too small.
        maxConnectionCount = random.chance(0.3) ? random.integer(1, peerCount) : 1000
        kernel.slotCount = random.chance(0.2) ? random.integer(1, peerCount + 2) : peerCount + 8
        choosePeers(&random, count: peerCount)
        chooseFaults(&random)
        chooseEnd(&random)
        if random.chance(0.3) { handler = .children }
        limits.deadlineGrainSeconds = random.element([0.0002, 0.001, 0.005])
    }

    private mutating func chooseLimits(_ random: inout SeededGenerator) {
        limits.connection.unreadBufferCount = random.skewed(2, 20)
        limits.connection.unreadByteCount = random.skewed(2, 5000)
        limits.connection.stallSeconds = random.element([0.01, 0.1, 0.5])
        limits.drainSeconds = random.element([0, 0.001, 0.1, 1])
        limits.connection.idleSeconds = random.chance(0.25) ? random.element([0.005, 0.05, 0.5]) : 0
        if random.chance(0.25) { maxConnectionCountPerAddress = random.integer(1, 4) }
        limits.trimSeconds = random.element([0, 0.001, 0.02, 0.5])
    }

    private mutating func choosePeers(_ random: inout SeededGenerator, count: Int) {
        let spread = random.element([1, 1000, 50_000])
        let maxByteCount = random.element([0, 50, 1000, 4000])
        let allProper = random.chance(0.2)
        for _ in 0..<count {
            var peer = PeerPlan()
            peer.connectTime = random.integer(0, spread)
            peer.address = UInt8(random.integer(1, 3))
            peer.byteCount = random.integer(0, maxByteCount)
            peer.pieceByteCount = random.skewed(max(1, peer.byteCount / 20), max(1, peer.byteCount))
            peer.pieceInterval = random.element([1, 100, 10_000])
            peer.latency = random.element([1, 50, 500])
            if !allProper { peer.chooseManners(&random, slowByteCount: 10...2000) }
            peers.append(peer)
        }
    }

    private mutating func chooseFaults(_ random: inout SeededGenerator) {
        guard random.chance(0.8) else { return }
        func rate(_ low: Double, _ high: Double) -> Double { random.chance(0.25) ? random.element([low, high]) : 0 }
        faults.shortSend = rate(0.1, 0.6)
        faults.brokenSend = rate(0.002, 0.05)
        faults.zeroCopyFailure = rate(0.02, 0.3)
        faults.zeroCopyDelay = random.element([0, 100, 50_000])
        faults.halfCloseDelay = random.element([0, 100, 50_000])
        faults.receiveEnd = rate(0.05, 0.5)
        faults.receiveInterruption = rate(0.02, 0.2)
        faults.receiveCancellation = rate(0.02, 0.2)
        faults.bufferShortage = rate(0.02, 0.3)
        faults.brokenReceive = rate(0.002, 0.05)
        faults.acceptEnd = rate(0.1, 0.5)
        faults.acceptError = rate(0.05, 0.3)
        faults.unidentified = rate(0.1, 0.5)
        faults.partialSubmission = rate(0.05, 0.5)
        faults.partialCompletion = rate(0.05, 0.5)
        faults.spuriousWake = rate(0.05, 0.3)
        faults.lateCancel = rate(0.3, 1)
        faults.dropOnReset = rate(0.3, 1)
        faults.reordersEvents = random.chance(0.5)
        if random.chance(0.2) { faults.completionCapacity = random.integer(1, 6) }
        if random.chance(0.2) {
            for _ in 0...random.integer(0, 2) {
                let start = random.skewed(0, 200_000)
                shortages.append(
                    Shortage(
                        start: start, end: start + random.element([10, 50_000, 400_000]),
                        errno: random.element([ENFILE, EMFILE, ENOMEM, ENOBUFS])))
            }
        }
        if random.chance(0.2) {
            for _ in 0...random.integer(0, 3) {
                networkResets.append((random.skewed(0, 100_000), random.integer(0, peers.count - 1)))
            }
        }
        if random.chance(0.2) {
            for _ in 0...random.integer(0, 5) {
                handlerEnds.append((random.skewed(0, 100_000), random.integer(0, peers.count - 1)))
            }
        }
        if random.chance(0.05) { deathTime = random.skewed(0, 500_000) }
    }

    private mutating func chooseEnd(_ random: inout SeededGenerator) {
        stopsWhenDone = random.chance(0.6)
        // Patience for all of them; who never reads has time to be cut.
        let mostSeconds = limits.connection.stallSeconds * Double(2 * peers.count + 10) + 2
        let early = random.skewed(0, random.element([20, 1000, 50_000, 2_000_000]))
        stopTime = stopsWhenDone ? Int(mostSeconds * 1e6) : early
        stopDelay = random.skewed(0, 1_000_000)
        if random.chance(0.2) { secondStopDelay = random.skewed(0, 500_000) }
    }
}

extension ConnectionLimits {
    /// Nobody is idle too long, and who has ended waits for its peer.
    init(buffers: Int, bytes: Int) {
        self.init(unreadByteCount: bytes)
        unreadBufferCount = buffers
        idleSeconds = 0
        lingerSeconds = nil
    }
}
