import Glibc
import Synchronization
import SystemSupport
import Testing
import ZeroPool
import ZeroPoolURing

@testable import ZeroPoolReactor

/// The kernel: a ring with a listener on the loopback device, and client sockets.
final class KernelRingWorld: RingWorld {
    private static let poolByteCount = 2 << 20

    /// Rings that stay until the process ends: noted, so that the leak sanitizer finds them.
    private static let abandoned = Mutex<[UInt]>([])

    let pool: BufferPool
    private var kernelRing: KernelRing?
    private let bell: EventBell
    private let root: Directory
    private let port: UInt16
    private var peerCount = 0
    private let folder: String
    private var versionCount = 0

    init(_ options: RingWorldOptions) throws {
        var name = Array("/tmp/zeropool-rules-XXXXXX".utf8CString)
        folder = try #require(mkdtemp(&name).map { String(cString: $0) })
        pool = BufferPool.builder().numShards(1).tlsCacheSize(0).maxByteCount(KernelRingWorld.poolByteCount).build()
        let listener = try Listener(at: SocketAddress(resolving: "127.0.0.1", port: 0), count: 1)
        let socket = listener.sockets[0]
        port = listener.address.port
        // Accepted sockets inherit them. Room to send for more than a peer's kernel takes, and for no megabyte; and room for
        // more than what a receive brings in one go.
        try setSocketOption(socket.descriptor, SO_SNDBUF, 256 * 1024)
        try setSocketOption(socket.descriptor, SO_RCVBUF, 1 << 20)
        bell = try EventBell()
        root = try Directory(path: folder)
        let queues =
            options.hasShortQueues
            ? Ring.Configuration(submissionEntries: 4, completionEntries: 8)
            : Ring.Configuration(submissionEntries: 64, completionEntries: 256)
        let ring = try KernelRing(
            KernelRing.Setup(
                mode: options.sendsWithoutCopy ? .registered : .pooled, pool: pool, queues: queues,
                bufferByteCount: KernelRingWorld.poolByteCount / options.bufferCount,
                fileSlotCount: options.slotCount, onDegradation: { _ in }),
            shard: 0, bell: bell)
        ring.listen(on: socket, zeroCopyPeers: options.sendsWithoutCopy ? .all : .none)
        kernelRing = ring
    }

    deinit {
        for name in ["f", "d", "p"] { remove(name) }
        rmdir(folder)
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
    func put(_ path: String, _ kind: FileStatus.Kind, byteCount: Int) {
        remove(path)
        switch kind {
        case .regular: rewrite(path, byteCount: byteCount)
        case .directory: mkdir("\(folder)/\(path)", 0o755)
        case .other: mkfifo("\(folder)/\(path)", 0o644)
        }
    }

    func rewrite(_ path: String, byteCount: Int) {
        // Past the grain of the file system's clock.
        usleep(20_000)
        versionCount += 1
        var bytes = [UInt8](repeating: 0, count: byteCount)
        bytes.withUnsafeMutableBytes { StreamPattern.copy(versionCount, from: 0, to: $0) }
        let file = Glibc.open("\(folder)/\(path)", O_WRONLY | O_CREAT, 0o644)
        defer { Glibc.close(file) }
        ftruncate(file, byteCount)
        pwrite(file, bytes, byteCount, 0)
    }

    func remove(_ path: String) { Glibc.remove("\(folder)/\(path)") }

    func content(of path: String) -> [UInt8] {
        let file = Glibc.open("\(folder)/\(path)", O_RDONLY)
        defer { Glibc.close(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = Glibc.read(file, &bytes, bytes.count)
        return Array(bytes[..<max(0, count)])
    }

    func ringBell() { bell.ring() }
    var rootDescriptor: Int32 { root.descriptor }
    func dropRing() { kernelRing = nil }

    func keepAbandonedRing() {
        guard let kernelRing else { return }
        let address = UInt(bitPattern: Unmanaged.passUnretained(kernelRing).toOpaque())
        KernelRingWorld.abandoned.withLock { $0.append(address) }
        dropRing()
    }
}
