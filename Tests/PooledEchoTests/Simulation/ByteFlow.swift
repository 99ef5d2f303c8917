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
