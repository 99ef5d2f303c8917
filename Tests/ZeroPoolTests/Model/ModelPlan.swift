import TestSupport
@testable import ZeroPool

/// What a seed says of a run: how long, by how many threads, how often each step, and what its pools are like.
///
/// Each seed leaves out some of the steps, and has others often: what is rare in a mix of all is common in some of the runs.
struct ModelPlan {
    let seed: UInt64
    let stepCount: Int
    let threadCount: Int
    /// As many pools as there are at once.
    let poolCount: Int
    /// As many leases as are out at once: past that one ends for each that begins.
    let leaseCount: Int
    let weights: [(element: ModelStep, weight: Int)]
    /// The insides of a pool are looked at after so many steps.
    let auditInterval: Int

    init(seed: UInt64, _ random: inout SeededGenerator) {
        self.seed = seed
        stepCount = random.element([40, 100, 250])
        threadCount = random.integer(1, 5)
        poolCount = random.element([1, 1, 2, 3])
        leaseCount = random.element([4, 16, 60])
        auditInterval = random.element([1, 4, 16])
        weights = ModelStep.allCases.map { step in
            let isKept = step == .get || step == .giveBack || random.chance(0.7)
            return (step, isKept ? step.usualWeight * random.element([1, 1, 4]) : 0)
        }
    }
}

extension BufferPool.Configuration {
    /// A configuration from the corners of what is possible.
    static func random(_ random: inout SeededGenerator, mayDebug: Bool = true) -> BufferPool.Configuration {
        var configuration = BufferPool.Configuration.adapted()
        configuration.debugging = random.chance(0.15) && mayDebug
        configuration.wipesOnReturn = random.chance(0.2)
        configuration.hugePages = random.chance(0.1)
        let minimumShifts = configuration.takesWholeBuffers ? [12, 12, 14] : [12, 12, 12, 14, 16, 21, 25, 30]
        configuration.minBufferSize = 1 << random.element(minimumShifts)
        configuration.tlsCacheSize = random.element([0, 1, 2, 3, 8, 32, 1000])
        configuration.tlsCacheByteCount = random.element([0, 1 << 16, 1 << 20, 64 << 20])
        configuration.maxBuffersPerShard = random.element([0, 1, 3, 16, 1024])
        configuration.numShards = 1 << random.element([0, 0, 1, 1, 2, 3])
        configuration.pinnedMemory = random.chance(0.15)
        configuration.evictionPolicy = random.element([.lifo, .clockPro])
        configuration.maxByteCount = random.element([.max, .max, 0, 3 << 20, 5 << 20, 8 << 20, 40 << 20])
        configuration.maxByteCountPerShard = random.element([.max, .max, 2 << 20, 6 << 20, 33 << 20])
        configuration.maxIdleByteCount = random.element([0, 1 << 16, 1 << 20, 16 << 20, 1 << 40])
        configuration.maxIdleSeconds = random.element([.infinity, 0.1, 10])
        return configuration
    }

    /// Whether a few bytes written take memory for a whole buffer: then buffers are small, for what large ones take.
    private var takesWholeBuffers: Bool { wipesOnReturn || debugging || hugePages }

    /// A size to ask for: nothing, the edges of classes, what has no cache, what has no class.
    func randomByteCount(_ random: inout SeededGenerator) -> Int {
        let largest = takesWholeBuffers ? 20 : 25
        switch random.integer(0, 99) {
        case 0..<3: return 0
        case 3 where !takesWholeBuffers: return (1 << 30) + 1
        case 4 where !takesWholeBuffers: return 1 << random.integer(26, 30)
        case 5..<10: return 1 << random.integer(21, largest + 1)
        case 10..<55: return (1 << random.integer(12, largest)) + random.integer(-1, 1)
        default: return random.integer(1, 1 << random.integer(12, 18))
        }
    }

    /// The class of a request: as many bytes as its buffers have; 0 for those past 1 GiB, which have none.
    func classByteCount(for byteCount: Int) -> Int {
        var size = minBufferSize
        while size < byteCount { size *= 2 }
        return size <= 1 << 30 ? size : 0
    }
}

/// What can happen next in a run. The comment says what is special about it, beside that what the pool promises of it is checked.
enum ModelStep: CaseIterable {
    case get, tryGet, getZeroed
    /// By a `PoolHandle`, which is made if there is none of the size.
    case getByHandle
    /// As many gets of one size, one after the other, and as many returns: what fills magazines and shards.
    case burst
    case giveBack
    case detach
    /// A lease becomes a pointer; whichever step meets it next, on whatever thread, takes it back first.
    case pass
    /// Nobody but its tenant wrote to a lease.
    case verify
    /// A get past 1 GiB, or a refusal: what takes a slow path without taking memory.
    case comeBy
    case bind
    case trim, trimOlder, clear, shrink, preallocate
    /// Time passes: some of what is idle is old then.
    case wait
    /// Time passes, and a thread comes by often enough for all that is too old to go.
    case comeByLater
    case observe, poll, endObserver
    case endThread
    case openPool, close, endHandle
    /// A pool ends but for its leases, all threads let go of it, and another takes its place: and its slot.
    case replacePool

    /// How often it comes in a run, beside the others: gets and returns are most of what happens.
    var usualWeight: Int {
        switch self {
        case .get, .tryGet: 30
        case .getZeroed, .getByHandle, .burst: 8
        case .giveBack: 60
        case .detach, .pass, .verify: 4
        case .comeBy, .bind, .observe: 4
        case .poll: 8
        case .trim, .trimOlder, .clear, .shrink, .preallocate, .wait, .comeByLater: 2
        case .endThread, .replacePool: 2
        case .endObserver, .openPool, .close, .endHandle: 1
        }
    }

    /// What a trace calls it, in a form that a signal handler can print.
    var name: StaticString {
        switch self {
        case .get: "get"
        case .tryGet: "tryGet"
        case .getZeroed: "get zeroed"
        case .getByHandle: "get by handle"
        case .burst: "burst"
        case .giveBack: "give back"
        case .detach: "detach"
        case .pass: "pass"
        case .verify: "verify"
        case .comeBy: "come by"
        case .bind: "bind"
        case .trim: "trim"
        case .trimOlder: "trim by age"
        case .clear: "clear"
        case .shrink: "shrink"
        case .preallocate: "preallocate"
        case .wait: "wait"
        case .comeByLater: "come by later"
        case .observe: "observe"
        case .poll: "poll"
        case .endObserver: "end observer"
        case .endThread: "end thread"
        case .openPool: "open pool"
        case .close: "close"
        case .endHandle: "end owner"
        case .replacePool: "replace pool"
        }
    }
}
