/// The operations that a ``Ring`` prepares. The numbers are kernel ABI (`enum io_uring_op`).
public enum Opcode: UInt8, CaseIterable, Sendable {
    case nop = 0
    case readFixed = 4
    case writeFixed = 5
    case pollAdd = 6
    case timeout = 11
    case accept = 13
    case cancel = 14
    case connect = 16
    case close = 19
    case statx = 21
    case read = 22
    case write = 23
    case send = 26
    case receive = 27
    case openAt2 = 28
    case shutdown = 34
    case messageRing = 40
    case command = 46
    case sendZeroCopy = 47
    case installDescriptor = 54

    /// The kernel's name for the operation, as in `io_uring_enter(2)`, lower case.
    public var name: String {
        switch self {
        case .nop: "nop"
        case .readFixed: "read_fixed"
        case .writeFixed: "write_fixed"
        case .pollAdd: "poll_add"
        case .timeout: "timeout"
        case .accept: "accept"
        case .cancel: "async_cancel"
        case .connect: "connect"
        case .close: "close"
        case .statx: "statx"
        case .read: "read"
        case .write: "write"
        case .send: "send"
        case .receive: "recv"
        case .openAt2: "openat2"
        case .shutdown: "shutdown"
        case .messageRing: "msg_ring"
        case .command: "uring_cmd"
        case .sendZeroCopy: "send_zc"
        case .installDescriptor: "fixed_fd_install"
        }
    }
}
