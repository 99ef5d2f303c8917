internal import CLibUring
internal import Glibc

/// The operations that a ``Ring`` prepares. The numbers are kernel ABI (`enum io_uring_op`).
public enum Opcode: UInt8, CaseIterable, Sendable {
    case nop = 0
    case sync = 3
    case readFixed = 4
    case writeFixed = 5
    case pollAdd = 6
    case timeout = 11
    case accept = 13
    case cancel = 14
    case connect = 16
    case close = 19
    case updateFiles = 20
    case statx = 21
    case read = 22
    case write = 23
    case send = 26
    case receive = 27
    case openAt2 = 28
    case shutdown = 34
    case renameAt = 35
    case unlinkAt = 36
    case makeDirectoryAt = 37
    case messageRing = 40
    case command = 46
    case sendZeroCopy = 47
    case installDescriptor = 54

    /// The kernel's name for the operation, as in `io_uring_enter(2)`, lower case.
    public var name: String {
        switch self {
        case .nop: "nop"
        case .sync: "fsync"
        case .readFixed: "read_fixed"
        case .writeFixed: "write_fixed"
        case .pollAdd: "poll_add"
        case .timeout: "timeout"
        case .accept: "accept"
        case .cancel: "async_cancel"
        case .connect: "connect"
        case .close: "close"
        case .updateFiles: "files_update"
        case .statx: "statx"
        case .read: "read"
        case .write: "write"
        case .send: "send"
        case .receive: "recv"
        case .openAt2: "openat2"
        case .shutdown: "shutdown"
        case .renameAt: "renameat"
        case .unlinkAt: "unlinkat"
        case .makeDirectoryAt: "mkdirat"
        case .messageRing: "msg_ring"
        case .command: "uring_cmd"
        case .sendZeroCopy: "send_zc"
        case .installDescriptor: "fixed_fd_install"
        }
    }
}

/// The features of the running kernel's io_uring, found by asking the kernel, not by its version.
public struct RingFeatures: Sendable {
    /// One bit for each operation number below 64.
    private let supportedOperations: UInt64

    /// Whether zero-copy sends report that the bytes were copied (kernel 6.2).
    public let reportsZeroCopyUsage: Bool

    /// Whether the kernel knows `opcode`.
    public func supports(_ opcode: Opcode) -> Bool { supportedOperations & (1 << UInt64(opcode.rawValue)) != 0 }

    /// Asks the kernel through `ring`, and the rest, which takes a submission, through a scratch ring once a process.
    init(of ring: UnsafeMutablePointer<io_uring>) throws(RingError) {
        errno = 0
        guard let probe = unsafe io_uring_get_probe_ring(ring) else {
            throw RingError(.probe, errno: errno == 0 ? ENOMEM : errno)
        }
        defer { unsafe io_uring_free_probe(probe) }
        var supported: UInt64 = 0
        for number in 0..<Int32(64) where unsafe io_uring_opcode_supported(probe, number) != 0 {
            supported |= 1 << UInt64(number)
        }
        supportedOperations = supported
        reportsZeroCopyUsage = Self.kernelReportsZeroCopyUsage
    }

    /// Flags are checked before the descriptor is looked up: a send to nowhere fails with `EBADF` where the flag is
    /// known and with `EINVAL` where it is not. A ring that can't be made counts as "not known".
    private static let kernelReportsZeroCopyUsage: Bool = {
        var ring = unsafe io_uring()
        guard unsafe io_uring_queue_init(2, &ring, 0) == 0 else { return false }
        defer { unsafe io_uring_queue_exit(&ring) }
        guard let entry = unsafe io_uring_get_sqe(&ring) else { return false }
        unsafe io_uring_prep_send_zc(entry, -1, nil, 0, 0, UInt32(ZP_SEND_ZC_REPORT_USAGE))
        guard unsafe io_uring_submit_and_wait(&ring, 1) == 1, unsafe io_uring_cq_ready(&ring) > 0 else { return false }
        return unsafe zp_completion_at(&ring, 0)!.pointee.res == -EBADF
    }()
}
