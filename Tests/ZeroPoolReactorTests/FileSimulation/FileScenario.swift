import HTTP1
import ZeroPoolURing

@testable import PooledEcho
@testable import ZeroPoolReactor
import TestSupport

/// All that one simulation of a file server does, from its seed.
struct FileScenario {
    /// What happens to a file on the way.
    enum Change {
        case rewrite(byteCount: Int)
        case replace(byteCount: Int)
        case remove
    }

    var seed: UInt64
    var kernel = SimulatedKernel.Parameters()
    var faults = FaultPlan()
    var disk = SimulatedFiles.Faults()
    var service = FilesConfiguration(root: "")
    var limits = ReactorLimits(connection: ConnectionLimits(buffers: 6, bytes: .max), trimSeconds: 0)
    var files: [(path: String, kind: FileStatus.Kind, byteCount: Int)] = []
    var changes: [(time: Int, path: String, change: Change)] = []
    /// The file that most want, as it is.
    var favourite: Int?
    var peers: [(plan: PeerPlan, requests: [FileRequest])] = []
    var stopTime = 10_000_000
    var stopsWhenDone = true
    var secondStopDelay: Int?
    var deathTime: Int?
    /// When something in the program ends a connection under its handler, and which.
    var handlerEnds: [(time: Int, peer: Int)] = []
    /// After how long handlers, which run in child tasks then, are cancelled: up to so many microseconds.
    var cancellationDelay: Int?
    /// Whether all clients ask to the end, so that where all goes well each gets all that it asked for.
    var isCheckedForAll = true

    /// Nothing goes wrong that a client would see, and nothing changes.
    var isCalm: Bool {
        let noFaults =
            faults.brokenSend == 0 && faults.brokenReceive == 0 && faults.acceptError == 0 && faults.shortSend == 0
            && faults.zeroCopyFailure == 0
        let noDiskFaults = disk.openFailure == 0 && disk.readFailure == 0 && disk.checkFailure == 0
        return noFaults && noDiskFaults && changes.isEmpty && limits.connection.idleSeconds == 0 && deathTime == nil
            && service.minBytesPerSecond == 0 && handlerEnds.isEmpty && cancellationDelay == nil
    }

    /// Nothing goes wrong; to be changed.
    init() { seed = 0 }

    init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        self.seed = seed
        // Buffers that a head of 4 KiB fits.
        kernel.bufferCount = 1 << random.integer(5, 9)
        kernel.providedBufferCount = random.skewed(1, 16)
        kernel.maxReceiveByteCount = random.skewed(1, 8000)
        kernel.inboundCapacity = random.skewed(50, 4000)
        kernel.outboundCapacity = random.skewed(50, 100_000)
        if random.chance(0.3) { kernel.zeroCopyMinimumByteCount = random.skewed(1, 5000) }
        kernel.copiesZeroCopy = random.chance(0.3)
        service.maxHeadByteCount = random.chance(0.2) ? 60 : 4096
        service.blockByteCount = random.element([4096, 8192, 65_536])
        service.directBlockByteCount = random.element([4096, 16_384])
        service.directByteCount = random.element([0, 5000])
        service.engine = random.element([.auto, .buffered, .direct])
        disk.refusesDirect = random.chance(0.2)
        service.openFileCount = random.integer(1, 8)
        service.cacheSeconds = random.element([0, 0.05, 1])
        service.cacheByteCount = random.element([0, 10_000, 1 << 20])
        service.headSeconds = random.element([0.05, 1, 10])
        service.minBytesPerSecond = random.element([0, 0, 100_000, 10_000_000])
        service.slowGraceSeconds = random.element([0, 0.01, 10])
        service.checkedByteCount = random.chance(0.5) ? 1 : .max
        limits.connection.stallSeconds = random.element([0.01, 0.1, 0.5])
        limits.trimSeconds = random.element([0, 0.001, 0.02, 0.5])
        limits.drainSeconds = random.element([0, 0.001, 0.1, 1])
        limits.connection.idleSeconds = random.chance(0.2) ? random.element([0.05, 0.5]) : 0
        chooseFiles(&random)
        if random.chance(0.3) { favourite = random.integer(0, 5) }
        choosePeers(&random)
        if random.chance(0.7) { chooseFaults(&random) }
        stopsWhenDone = random.chance(0.7)
        stopTime = stopsWhenDone ? 20_000_000 : random.skewed(0, 200_000)
        if random.chance(0.2) { secondStopDelay = random.skewed(0, 500_000) }
        if random.chance(0.03) { deathTime = random.skewed(0, 500_000) }
        if random.chance(0.15) {
            for _ in 0...random.integer(0, 5) {
                handlerEnds.append((random.skewed(0, 100_000), random.integer(0, peers.count - 1)))
            }
        }
        if random.chance(0.15) { cancellationDelay = random.skewed(1, 100_000) }
        limits.connection.lingerSeconds = FilesConfiguration.lingerSeconds
        limits.deadlineGrainSeconds = service.tickSeconds
    }

    private mutating func chooseFiles(_ random: inout SeededGenerator) {
        for index in 0..<6 {
            let most = random.element([0, 1, 4096, 20_000, 200_000])
            files.append(("f\(index)", .regular, random.skewed(0, most)))
        }
        files.append(("d", .directory, 0))
        if random.chance(0.5) { files.append(("d/index.html", .regular, random.integer(0, 5000))) }
        files.append(("p", .other, 0))
        guard random.chance(0.4) else { return }
        for _ in 0...random.integer(0, 8) {
            let change: Change =
                random.chance(0.6)
                ? .rewrite(byteCount: random.skewed(0, 200_000))
                : random.chance(0.7) ? .replace(byteCount: random.skewed(0, 20_000)) : .remove
            changes.append((random.skewed(0, 300_000), "f\(random.integer(0, 5))", change))
        }
    }

    private func chooseRequest(_ random: inout SeededGenerator) -> FileRequest {
        if let favourite, random.chance(0.8) { return FileRequest(path: "/f\(favourite)") }
        var request = FileRequest(path: "/f\(random.integer(0, 5))")
        if random.chance(0.25) { request.path = random.element(["/absent", "/d", "/d/", "/p", "/", "/.hidden"]) }
        if random.chance(0.15) { request.method = random.element(["HEAD", "POST", "OPTIONS"]) }
        if random.chance(0.3) {
            let first = random.skewed(0, 200_000)
            request.range = first...first + random.skewed(0, 100_000)
        }
        request.isMalformed = random.chance(0.03)
        return request
    }

    private mutating func choosePeers(_ random: inout SeededGenerator) {
        let spread = random.element([1, 1000, 50_000])
        let allProper = random.chance(0.4)
        for _ in 0..<random.skewed(1, 12) {
            var plan = PeerPlan()
            plan.connectTime = random.integer(0, spread)
            plan.latency = random.element([1, 50, 500])
            plan.pieceInterval = random.element([1, 100, 10_000])
            var requests = (0..<random.skewed(1, 8)).map { _ in chooseRequest(&random) }
            if random.chance(0.3) { requests[requests.count - 1].isLast = true }
            let byteCount = requests.reduce(0) { $0 + $1.text.count }
            plan.byteCount = byteCount
            plan.pieceByteCount = random.skewed(max(1, byteCount / 20), byteCount)
            if !allProper { plan.chooseManners(&random, slowByteCount: 10...20_000) }
            peers.append((plan, requests))
        }
    }

    private mutating func chooseFaults(_ random: inout SeededGenerator) {
        func rate(_ low: Double, _ high: Double) -> Double { random.chance(0.2) ? random.element([low, high]) : 0 }
        faults.shortSend = rate(0.1, 0.5)
        faults.brokenSend = rate(0.002, 0.05)
        faults.zeroCopyFailure = rate(0.02, 0.3)
        faults.zeroCopyDelay = random.element([0, 100, 50_000])
        faults.halfCloseDelay = random.element([0, 100, 50_000])
        faults.receiveEnd = rate(0.05, 0.5)
        faults.receiveInterruption = rate(0.02, 0.2)
        faults.bufferShortage = rate(0.02, 0.2)
        faults.brokenReceive = rate(0.002, 0.05)
        faults.partialSubmission = rate(0.05, 0.5)
        faults.partialCompletion = rate(0.05, 0.5)
        faults.spuriousWake = rate(0.05, 0.3)
        faults.lateCancel = rate(0.3, 1)
        faults.reordersEvents = random.chance(0.5)
        disk.openFailure = rate(0.02, 0.3)
        disk.readFailure = rate(0.01, 0.1)
        disk.checkFailure = rate(0.01, 0.1)
        disk.shortRead = rate(0.1, 0.7)
        disk.interruption = rate(0.05, 0.3)
        disk.blockShortage = rate(0.02, 0.2)
        disk.delay = random.element([0, 0, 100, 10_000])
    }
}
