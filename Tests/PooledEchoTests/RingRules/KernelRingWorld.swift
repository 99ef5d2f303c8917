import Glibc
import Synchronization
import ZeroPool
import ZeroPoolURing

@testable import PooledEcho

/// The kernel: a ring with a listener on the loopback device, and client sockets.
final class KernelRingWorld: RingWorld {
    private static let poolByteCount = 2 << 20

    /// Rings that stay until the process ends: noted, so that the leak sanitizer finds them.
    private static let abandoned = Mutex<[UInt]>([])

    let pool: BufferPool
    private var kernelRing: KernelRing?
    private let stopSignal: StopSignal
    private let port: UInt16
    private var peerCount = 0

    init(_ options: RingWorldOptions) throws {
        pool = BufferPool.builder().numShards(1).tlsCacheSize(0).maxByteCount(KernelRingWorld.poolByteCount).build()
        let (listeners, address) = try Listener.open(host: "127.0.0.1", port: 0, count: 1)
        port = address.port
        // Accepted sockets inherit them. Room to send for more than a peer's kernel takes, and for no megabyte; and room for
        // more than what a receive brings in one go.
        try setSocketOption(listeners[0].descriptor, SO_SNDBUF, 256 * 1024)
        try setSocketOption(listeners[0].descriptor, SO_RCVBUF, 1 << 20)
        stopSignal = try StopSignal()
        let queues =
            options.hasShortQueues
            ? Ring.Configuration(submissionEntries: 4, completionEntries: 8)
            : Ring.Configuration(submissionEntries: 64, completionEntries: 256)
        kernelRing = try KernelRing(
            KernelRing.Setup(
                mode: options.sendsWithoutCopy ? .registered : .pooled, pool: pool, queues: queues,
                bufferByteCount: KernelRingWorld.poolByteCount / options.bufferCount,
                fileSlotCount: options.slotCount, mayZeroCopy: options.sendsWithoutCopy, onDegradation: { _ in }),
            shard: 0, listener: listeners[0], stopSignal: stopSignal)
    }

    var ring: any ReactorRing {
        guard let kernelRing else { preconditionFailure("the ring was let go of") }
        return kernelRing
    }
    /// The kernel breaks none.
    var violation: String? { nil }

    func connect(from address: UInt8) throws -> any RingPeer {
        defer { peerCount += 1 }
        return try KernelPeer(id: peerCount, from: address, port: port)
    }

    func address(_ address: UInt8) -> PeerAddress { PeerAddress([127, 0, 0, address]) }
    func raiseStopSignal() { stopSignal.raise() }
    func dropRing() { kernelRing = nil }

    func keepAbandonedRing() {
        guard let kernelRing else { return }
        let address = UInt(bitPattern: Unmanaged.passUnretained(kernelRing).toOpaque())
        KernelRingWorld.abandoned.withLock { $0.append(address) }
        dropRing()
    }
}
