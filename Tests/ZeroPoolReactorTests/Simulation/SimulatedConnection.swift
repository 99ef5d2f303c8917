@testable import ZeroPoolReactor

/// A TCP connection as the server's kernel has it, with what is under way on it. `SimulatedKernel+Rules.swift` moves it.
final class SimulatedConnection {
    struct Receive {
        var operation: Int
        var extent: ReceiveExtent
        /// The first try is made at once, and asks for a buffer before it looks for bytes.
        var isFirstTry = true
        /// As many buffers as a receive that was cancelled too late still brings.
        var rest: Int?
    }

    struct Send {
        var operation: Int
        var lease: LeaseBox
        /// The bytes of the lease that are to go.
        var range: Range<Int>
        var isZeroCopy: Bool
        var doneByteCount = 0
    }

    /// The memory of a zero-copy send, which the kernel may read until the peer has acknowledged it.
    struct Notification {
        var operation: Int
        var lease: LeaseBox
        var range: Range<Int>
        /// The place of the first byte in the stream, and past the last.
        var streamRange: Range<Int>
        var wasCopied: Bool
    }

    let id: Int
    let address: PeerAddress
    /// The slot of the file table; nil as long as it is not accepted, and after it was closed.
    var slot: ConnectionNumber?
    /// From the peer to the server.
    var inbound: ByteFlow
    /// From the server to the peer.
    var outbound: ByteFlow

    var receive: Receive?
    var send: Send?
    var notifications: [Notification] = []

    /// Nothing more comes or goes: by the peer's reset, or the network's.
    var isBroken = false
    /// What the server has not been told yet of the reason; the first operation that asks takes it.
    var untoldErrno: Int32?
    var isClosedByServer = false
    var isClosedByPeer = false
    /// After what it can still read the peer gets an error, not an end of stream.
    var isResetForPeer = false

    /// What the peer sends, where that is no pattern; and then what the server sends, as it goes to the kernel.
    var script: [UInt8]?
    var recording: [UInt8] = []

    /// The peer wants to hear that there is something to read, or room to write.
    var onReadable: (() -> Void)?
    var onRoom: (() -> Void)?

    /// The books that the model keeps.
    var ledger = Ledger()

    init(id: Int, address: PeerAddress, inboundCapacity: Int, outboundCapacity: Int) {
        self.id = id
        self.address = address
        inbound = ByteFlow(capacity: inboundCapacity)
        outbound = ByteFlow(capacity: outboundCapacity)
    }
}

/// One direction of a connection: bytes that were written, and those of them that were read.
struct ByteFlow {
    /// As many bytes as wait to be read at most.
    var capacity: Int
    private(set) var writtenByteCount = 0
    private(set) var readByteCount = 0
    /// The writer has said that no more comes.
    var isEnded = false

    init(capacity: Int) { self.capacity = capacity }

    var unreadByteCount: Int { writtenByteCount - readByteCount }
    var room: Int { max(0, capacity - unreadByteCount) }
    /// As Linux tells a poll: with a third of the room left.
    var isWritable: Bool { 3 * room >= capacity }

    mutating func write(_ byteCount: Int) { writtenByteCount += byteCount }
    mutating func read(_ byteCount: Int) { readByteCount += byteCount }
    /// What was not read never will be, but for `byteCount`.
    mutating func drop(keeping byteCount: Int) { writtenByteCount = readByteCount + byteCount }
}
