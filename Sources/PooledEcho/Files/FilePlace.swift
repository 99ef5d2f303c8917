import HTTP1
import ZeroPool
import ZeroPoolURing

/// What a file server keeps for a connection beside its state: bytes, and what they mean.
struct FilePlace: ~Copyable {
    /// What a request leads to.
    enum Target {
        /// What its path names.
        case file
        /// `index.html` in the directory that it names.
        case index
        /// The same file as before, past the page cache.
        case direct(isIndex: Bool)
        /// The listing of that directory.
        case listing(ListingFormat)
    }

    /// What an open brought, and nobody has looked at.
    enum Opening {
        case file(descriptor: Int32, FileStatus)
        case failure(errno: Int32)
    }

    var input = RequestInput()
    var parser: RequestParser
    /// The head at the start of the input, while `hasHead`: once it is whole, until its response begins. (Not an optional:
    /// to look at a field of that copies it all.)
    var head = RequestHead()
    var hasHead = false
    var target = Target.file
    var opening: Opening?
    /// How often an open was tried again.
    var retryCount = 0
    /// What the response is made of.
    var file: FileTable.Index?
    /// The same through the page cache, while it is opened past it.
    var bufferedFile: FileTable.Index?
    /// Whether the file may be opened past the page cache: not when that was tried.
    var mayBeDirect = true
    /// The block that is not in the queue yet.
    var block: PooledBuffer?
    /// Whether the response may be kept for others, once it is whole.
    var keepsResponse = false
    /// Where the file is read next, and how much of that goes into the block still.
    var offset = 0
    var requestedByteCount = 0
    /// Bytes at the start of the block being read that the response does not want.
    var skippedByteCount = 0
    /// Where its peer is, where that is logged.
    var client: [UInt8] = []
    /// What is to be logged of the response under way.
    var logEntry: LogEntry?
    /// Requests that were answered, so that one is told from the next.
    var responseCount = 0
    /// What was seen of its progress at the last tick, and for how many ticks it has been so.
    var progress = Progress()
    var sameProgressTicks = 0

    struct LogEntry {
        var requestLine: [UInt8]
        var status: ResponseStatus
        var bodyByteCount: Int
    }

    struct Progress: Equatable {
        var responseCount = 0
        var owedByteCount = 0
        var unreleasedCount = 0
        var phase = FileConnection.Phase.head
    }

    var isDirect: Bool {
        if case .direct = target { true } else { false }
    }

    var isIndex: Bool {
        switch target {
        case .index, .direct(isIndex: true): true
        default: false
        }
    }

    init(_ limits: HeadLimits) { parser = RequestParser(limits: limits) }
}
