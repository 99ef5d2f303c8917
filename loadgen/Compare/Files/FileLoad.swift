import SystemSupport

/// One load under which the contenders are compared as file servers: a file of some size, in the page cache or not.
struct FileCase: Hashable, Sendable, Encodable {
    enum PageCache: String, Sendable, Encodable {
        /// The whole file is in it.
        case hot
        /// The file is dropped from it before each request, of which there is one at a time.
        case cold
    }

    static let defaults = [
        FileCase(connections: 64, fileByteCount: 4 << 10, pageCache: .hot),
        FileCase(connections: 64, fileByteCount: 64 << 10, pageCache: .hot),
        FileCase(connections: 16, fileByteCount: 1 << 20, pageCache: .hot),
        FileCase(connections: 1, fileByteCount: 256 << 20, pageCache: .cold),
    ]

    let connections: Int
    let fileByteCount: Int
    let pageCache: PageCache

    var title: String {
        "\(Format.count(connections, "connection")) × file of \(Format.byteCount(fileByteCount)), \(pageCache.rawValue)"
    }
}

/// The load of one measurement of a file server, and what the kernel says of the file meanwhile.
struct FileLoad {
    /// What came of it.
    struct Outcome {
        var tally = LoadTally()
        var residentByteCountBefore = 0
        var residentByteCountAfter = 0
        /// What the server had read from disks; nil where the kernel does not say.
        var diskByteCount: Int?
    }

    /// The most that one request for a cold file may take: what a slow disk needs for it.
    private static let coldRequestSeconds = 120.0

    let fileCase: FileCase
    let file: ServedFile
    /// Warm-up and duration; a cold file has no warm-up.
    let plan: LoadPlan

    /// - Throws: `PageCacheError` when the file is not in the page cache, or out of it, as its case wants.
    func run(
        on server: ServerProcess, at endpoint: Endpoint, address: SocketAddress, progress: ProgressLine
    ) throws -> Outcome {
        let target = try HTTPTarget("http://\(endpoint)/\(file.name)")
        let exchange = HTTPExchange(request: target.request, pipeline: plan.pipeline, expected: file.body)
        var plan = plan
        plan.connectionCount = fileCase.connections
        var outcome = Outcome()
        let readBefore = server.diskReadByteCount
        switch fileCase.pageCache {
        case .hot:
            outcome.residentByteCountBefore = try file.makeHot()
            outcome.tally = try Load.run(plan, exchange, to: address, observedProcess: server.id, progress: progress)
        case .cold:
            plan.asksOnce = true
            plan.durationSeconds = Self.coldRequestSeconds
            repeat {
                outcome.residentByteCountBefore = max(outcome.residentByteCountBefore, try file.makeCold())
                outcome.tally.append(
                    try Load.run(plan, exchange, to: address, observedProcess: server.id, progress: progress))
            } while outcome.tally.problems.isEmpty
                && outcome.tally.windowNanoseconds < UInt64(nanosecondsIn: self.plan.durationSeconds)
        }
        if let readBefore, let readAfter = server.diskReadByteCount { outcome.diskByteCount = readAfter - readBefore }
        outcome.residentByteCountAfter = try file.residentByteCount()
        if fileCase.pageCache == .hot, outcome.tally.problems.isEmpty,
            outcome.residentByteCountAfter < file.byteCount
        {
            throw PageCacheError("not hot: the file left the page cache meanwhile; memory is short")
        }
        return outcome
    }
}

extension ServedFile {
    /// - Returns: how much of it is in the page cache: all.
    func makeHot() throws -> Int {
        try bringIntoPageCache()
        let resident = try residentByteCount()
        guard resident == byteCount else {
            throw PageCacheError(
                "not hot: only \(Format.byteCount(resident)) of the file stay in the page cache; memory is short")
        }
        return resident
    }

    /// - Returns: how much of it is in the page cache: nothing.
    func makeCold() throws -> Int {
        try dropFromPageCache()
        let resident = try residentByteCount()
        guard resident == 0 else {
            let reason = ServedFolder.isInMemory(folder) ? ": its folder is in memory" : ""
            throw PageCacheError(
                """
                not cold: \(Format.byteCount(resident)) of the file stay in the page cache\(reason); choose a folder on a \
                disk with --folder
                """)
        }
        return resident
    }
}

/// Why a file is not where its case wants it.
struct PageCacheError: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
