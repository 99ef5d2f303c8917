import ZeroPool
import ZeroPoolURing

@testable import ZeroPoolReactor

/// A ring with a listener, and the network before it: the kernel's, or the simulated one. What a rule says must hold on both.
///
/// Where they disagree, the kernel is right.
protocol RingWorld: AnyObject {
    var ring: any ReactorRing { get }
    /// Where the ring's buffers come from; it keeps nothing in caches, so that buffers that are back are there at once.
    var pool: BufferPool { get }
    /// Which rule of `ReactorRing` was broken, where somebody looks after that.
    var violation: String? { get }

    /// A new file of that name, in place of what it was.
    func put(_ path: String, _ kind: FileStatus.Kind, byteCount: Int)
    /// The file of that name gets other bytes, in place.
    func rewrite(_ path: String, byteCount: Int)
    func remove(_ path: String)
    /// What the file of that name holds now.
    func content(of path: String) -> [UInt8]

    /// A peer connects, from an address whose last byte can be chosen.
    func connect(from address: UInt8) throws -> any RingPeer
    /// The address that peers have who connect from there.
    func address(_ address: UInt8) -> PeerAddress
    /// Rings the reactor's bell, as another thread does.
    func ringBell()
    /// The directory that files are beneath.
    var rootDescriptor: Int32 { get }
    /// Lets go of a ring that was closed. No use of it may follow.
    func dropRing()
    /// Lets go of a ring that was abandoned, which stays. No use of it may follow.
    func keepAbandonedRing()
}

/// What a world is to be like.
struct RingWorldOptions {
    var slotCount = 8
    /// As many buffers as share the pool's 2 MiB: a power of two.
    var bufferCount = 32
    /// As many buffers as wait for bytes; on the kernel's ring at least 16, as far as the pool has them.
    var providedBufferCount = 16
    /// Whether sends of 16 KiB and more go without a copy.
    var sendsWithoutCopy = false
    /// Whether the simulated device copies after all, as the loopback device does.
    var copiesAfterAll = true
    /// Whether both queues have room for a few entries only.
    var hasShortQueues = false
}

/// Which world.
enum WorldKind: String, CaseIterable, CustomStringConvertible {
    case simulated
    case real

    var description: String { rawValue }

    func make(_ options: RingWorldOptions) throws -> any RingWorld {
        switch self {
        case .simulated: SimulatedRingWorld(options)
        case .real: try KernelRingWorld(options)
        }
    }

    /// Plays a scenario: on one thread from beginning to end, since a ring belongs to the thread that made it. So the tests
    /// of rules are not `async`.
    func play(_ options: RingWorldOptions = RingWorldOptions(), _ scenario: (RingSession) throws -> Void) throws {
        let session = RingSession(try make(options))
        defer { session.end() }
        try session.begin()
        try scenario(session)
        try session.checkRules()
    }
}

/// The peer's end of a connection. Both ways go the bytes of `StreamPattern`, by `id`.
protocol RingPeer: AnyObject {
    /// The place in the order of connecting, from 0.
    var id: Int { get }
    /// Sends the next bytes of its stream, as far as there is room now. Nil when the connection is reset.
    @discardableResult func send(_ byteCount: Int) -> Int?
    /// Reads what is there, up to `byteCount` bytes, and checks it.
    func read(_ byteCount: Int) -> SimulatedPeer.Read
    /// Whether a read brought other bytes than were to come, where somebody can tell.
    var hasReadWrongBytes: Bool { get }
    func shutdownWrite()
    func close()
    func reset()
}

/// The simulated kernel, on which all goes well.
final class SimulatedRingWorld: RingWorld {
    private let world: SimulatedWorld
    private let files: SimulatedFiles

    init(_ options: RingWorldOptions) {
        var parameters = SimulatedKernel.Parameters()
        parameters.slotCount = options.slotCount
        parameters.bufferCount = options.bufferCount
        parameters.providedBufferCount = options.providedBufferCount
        parameters.maxReceiveByteCount = parameters.bufferByteCount
        parameters.inboundCapacity = 256 * 1024
        parameters.outboundCapacity = 512 * 1024
        parameters.zeroCopyMinimumByteCount = options.sendsWithoutCopy ? 16 * 1024 : nil
        parameters.copiesZeroCopy = options.copiesAfterAll
        var faults = FaultPlan()
        if options.hasShortQueues {
            faults.partialSubmission = 0.5
            faults.partialCompletion = 0.5
            faults.completionCapacity = 8
        }
        world = SimulatedWorld(parameters: parameters, faults: faults, seed: 3)
        files = SimulatedFiles(world.kernel, SimulatedFiles.Faults())
        world.ring.files = files
    }

    var ring: any ReactorRing { world.ring }
    var pool: BufferPool { world.kernel.pool }
    var violation: String? { world.trace.violation }

    func connect(from address: UInt8) -> any RingPeer { world.connect(from: address) }
    func address(_ address: UInt8) -> PeerAddress { PeerAddress([10, 0, 0, address]) }
    func ringBell() { world.ring.makeBell().ring() }
    var rootDescriptor: Int32 { -100 }
    func put(_ path: String, _ kind: FileStatus.Kind, byteCount: Int) { files.put(path, kind, byteCount: byteCount) }
    func rewrite(_ path: String, byteCount: Int) { files.rewrite(path, byteCount: byteCount) }
    func remove(_ path: String) { files.remove(path) }
    func content(of path: String) -> [UInt8] {
        files.paths[path].map { SimulatedFiles.bytes($0.version, 0..<$0.version.byteCount) } ?? []
    }

    /// It keeps nothing that its end has not let go of.
    func dropRing() {}
    func keepAbandonedRing() {}
}

extension SimulatedPeer: RingPeer {
    var id: Int { connection.id }
    /// The simulation checks what is sent: a violation.
    var hasReadWrongBytes: Bool { false }
}
