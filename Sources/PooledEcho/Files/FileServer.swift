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
    /// Lines that the log has not got yet.
    private var logLines: [UInt8] = []
    private static let handOverByteCount = 64 * 1024

    let cache: Box<FileCache>
    /// Where paths are decoded and put together. Good until the next await.
    let path: Box<PathBuffer>
    let counts = Box(FileStatistics())

    private(set) var connectionCount = 0
    private var isTicking = false
    /// As of the last tick.
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

    /// A connection begins: from now on time is told.
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
        // They name the time.
        cache.value.forgetResponses()
    }

    /// The last connection has ended.
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
                // Descriptors that nobody uses are for requests that need one.
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
