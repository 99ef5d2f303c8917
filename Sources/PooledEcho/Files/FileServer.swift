import HTTP1
import SystemSupport
import ZeroPool
import ZeroPoolReactor

/// What the file handlers of one reactor share: open files, the time, the log, counts. Its reactor's thread only.
final class FileServer: @unchecked Sendable {
    let configuration: FilesConfiguration
    let reactor: Reactor
    let root: Directory
    /// Nil where directories are not listed.
    let lister: DirectoryLister?
    /// Nil where requests are not logged.
    private let accessLog: AccessLog?
    /// Lines that were not yet handed to the log.
    private var logLines: [UInt8] = []
    private static let handOverByteCount = 64 * 1024

    let cache: Box<FileCache>
    /// The buffer in which paths are decoded and assembled. Valid until the next await.
    let path: Box<PathBuffer>
    let counts = Box(FileStatistics())

    private(set) var connectionCount = 0
    private var isTicking = false
    /// The time at the last tick.
    private(set) var now = HTTPDate(secondsSinceEpoch: 0)
    private(set) var dateText = HTTPDate.Text(HTTPDate(secondsSinceEpoch: 0))

    init(
        _ configuration: FilesConfiguration, source: FileSource, openFileCount: Int, keptByteCount: Int,
        reactor: Reactor
    ) {
        self.configuration = configuration
        self.reactor = reactor
        root = source.root
        lister = source.lister
        accessLog = source.accessLog
        let lifeTicks = Int((configuration.cacheSeconds / configuration.tickSeconds).rounded(.up))
        cache = Box(
            FileCache(capacity: openFileCount, lifeTicks: lifeTicks, maxKeptByteCount: keptByteCount))
        path = Box(PathBuffer(limit: configuration.headLimits.targetByteCount))
        reactor.onScarcity = { [unowned self] in cache.value.forgetResponses() }
        reactor.onTick = { [unowned self] in tick() }
    }

    // MARK: Connections

    /// Counts a new connection, and starts the clock if it is not running.
    func connectionBegan() {
        connectionCount += 1
        guard !isTicking else { return }
        isTicking = true
        setNow()
        reactor.startTicking()
    }

    func connectionEnded() { connectionCount -= 1 }

    /// - Returns: whether there should be another tick. A server without connections and open files is not woken.
    private func tick() -> Bool {
        cache.value.advanceTick()
        handOverLog()
        isTicking = connectionCount > 0 || cache.value.cachedCount > 0
        if isTicking { setNow() }
        return isTicking
    }

    private func setNow() {
        let seconds = HTTPDate(secondsSinceEpoch: reactor.wallClockSeconds)
        guard seconds != now else { return }
        now = seconds
        dateText = HTTPDate.Text(seconds)
        // Cached responses contain the time.
        cache.value.forgetResponses()
    }

    /// Ends the server, after its last connection. - Returns: its statistics.
    func end() -> FileStatistics {
        handOverLog()
        cache.value.evictAll()
        reactor.onScarcity = nil
        reactor.onTick = nil
        var statistics = counts.value
        statistics.blockWaits = reactor.statistics.blockWaits
        return statistics
    }

    // MARK: Files

    func add(_ file: OpenFile, path: RawSpan, _ aspect: FileCache.Aspect) -> FileCache.Index {
        var isPassing = false
        if case .absent(let errno) = file.kind {
            isPassing = OpenFile.isPassing(errno: errno)
            if OpenFile.refusal(errno: errno) == .serviceUnavailable {
                counts.value.refusedOpens += 1
                // Unused descriptors are freed for requests that need one.
                cache.value.evictAll()
            }
        }
        return cache.value.add(file, path: path, aspect, isPassing: isPassing)
    }

    // MARK: Counting and logging

    func count(_ status: ResponseStatus) {
        switch status.rawValue {
        case ..<300: counts.value.responses.successful += 1
        case ..<400: counts.value.responses.redirecting += 1
        case ..<500: counts.value.responses.clientErrors += 1
        default: counts.value.responses.serverErrors += 1
        }
    }

    var isLogging: Bool { accessLog != nil }

    /// Adds a line in the common log format.
    func log(client: [UInt8], requestLine: [UInt8], status: ResponseStatus, bodyByteCount: Int) {
        let capacity = CommonLog.maxByteCount(
            clientByteCount: client.count, requestLineByteCount: requestLine.count)
        logLines += [UInt8](capacity: capacity) { output in
            _ = unsafe CommonLog.append(
                client: client.span.bytes, date: now, requestLine: requestLine.span.bytes, status: status,
                bodyByteCount: bodyByteCount, to: &output)
        }
        if logLines.count >= Self.handOverByteCount { handOverLog() }
    }

    private func handOverLog() {
        guard let accessLog, !logLines.isEmpty else { return }
        if !accessLog.append(logLines) { counts.value.droppedLogLines += logLines.count { $0 == 10 } }
        logLines.removeAll(keepingCapacity: true)
    }
}

/// Where a server's files come from.
struct FileSource: Sendable {
    let root: Directory
    /// Nil where directories are not listed.
    let lister: DirectoryLister?
    /// Nil where requests are not logged.
    let accessLog: AccessLog?
}

/// Memory for one path at a time, in which it is decoded and assembled.
@safe
struct PathBuffer: ~Copyable {
    private let memory: UnsafeMutableRawBufferPointer
    private var count = 0

    private static let index: StaticString = "index.html"

    /// For paths decoded from at most `limit` bytes.
    init(limit: Int) { unsafe memory = .allocate(byteCount: limit + 16, alignment: 8) }

    deinit { unsafe memory.deallocate() }

    /// Calls `body` with the path.
    func withBytes<Result>(_ body: (RawSpan) -> Result) -> Result {
        // SAFETY: the first `count` bytes were written.
        unsafe body(UnsafeRawBufferPointer(rebasing: memory[..<count]).bytes)
    }

    /// Decodes a request's path into the buffer.
    mutating func decode(_ path: RawSpan) -> RequestPath.Outcome {
        let buffer = unsafe UnsafeMutableRawBufferPointer(rebasing: memory[..<(memory.count - 16)])
        var output = unsafe OutputRawSpan(buffer: buffer, initializedCount: 0)
        let outcome = RequestPath.append(decoding: path, to: &output)
        count = unsafe output.finalize(for: buffer)
        return outcome
    }

    /// Appends `index.html` to the path of a directory.
    mutating func appendIndex() {
        if count > 0 { append(UInt8(ascii: "/")) }
        for offset in 0..<Self.index.utf8CodeUnitCount { append(unsafe Self.index.utf8Start[offset]) }
    }

    /// A copy of the path.
    var bytes: [UInt8] { withBytes { path in unsafe path.withUnsafeBytes { unsafe Array($0) } } }

    private mutating func append(_ byte: UInt8) {
        unsafe memory[count] = byte
        count += 1
    }
}

/// Counts of what a file server did. The names are the ones of the JSON that `pooled-echo files --stats json` prints.
package struct FileStatistics: Sendable, Codable {
    /// Responses by the first digit of their status.
    package struct Responses: Sendable, Codable {
        package var successful = 0
        package var redirecting = 0
        package var clientErrors = 0
        package var serverErrors = 0
    }

    package var responses = Responses()
    /// Attempts to open files that were not cached, including files that do not exist.
    package var opens = 0
    /// Paths that were found in the cache.
    package var openHits = 0
    /// Directories that were listed.
    package var listings = 0
    /// Blocks that were read.
    package var reads = 0
    /// Blocks that were read past the page cache.
    package var directReads = 0
    /// Cached responses that were sent, without a read.
    package var keptResponses = 0
    /// Heads refused for their size (414, 431).
    package var oversizedHeads = 0
    /// Heads that took too long (408).
    package var slowHeads = 0
    /// Connections cut because their peer took too few bytes per second.
    package var slowReaders = 0
    /// Connections cut because a file ended early, or changed, while it was sent.
    package var changedFiles = 0
    /// Connections cut because a file could not be read.
    package var failedReads = 0
    /// Responses that waited for a block.
    package var blockWaits = 0
    /// Opens refused for lack of descriptors or memory.
    package var refusedOpens = 0
    /// Lines that the access log dropped because its disk was too slow.
    package var droppedLogLines = 0

    mutating func add(_ other: FileStatistics) {
        responses.successful += other.responses.successful
        responses.redirecting += other.responses.redirecting
        responses.clientErrors += other.responses.clientErrors
        responses.serverErrors += other.responses.serverErrors
        opens += other.opens
        openHits += other.openHits
        listings += other.listings
        reads += other.reads
        directReads += other.directReads
        keptResponses += other.keptResponses
        droppedLogLines += other.droppedLogLines
        oversizedHeads += other.oversizedHeads
        slowHeads += other.slowHeads
        slowReaders += other.slowReaders
        changedFiles += other.changedFiles
        failedReads += other.failedReads
        blockWaits += other.blockWaits
        refusedOpens += other.refusedOpens
    }
}
