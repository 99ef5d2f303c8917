import ZeroPool
import ZeroPoolURing

@testable import PooledEcho

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
    func raiseStopSignal() { world.kernel.complete(world.kernel.newOperation(), .woken) }
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
