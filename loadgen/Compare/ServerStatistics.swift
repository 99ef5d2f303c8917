import FoundationEssentials

/// What a server says about its own work when it ends: the last line of its standard output.
///
/// Further keys are allowed, so that an older loadgen reads a newer server.
struct ServerStatistics: Codable, Equatable, Sendable {
    struct Connections: Codable, Equatable, Sendable {
        var accepted = 0
        var refused = 0
        var cut = 0
    }

    struct Bytes: Codable, Equatable, Sendable {
        var received = 0
        var sent = 0
    }

    struct ZeroCopySends: Codable, Equatable, Sendable {
        var count = 0
        /// Of those, how many the kernel copied after all.
        var copied = 0
    }

    /// Of a file server.
    struct Files: Codable, Equatable, Sendable {
        /// Blocks that were read.
        var reads = 0
        /// Of these, past the page cache.
        var directReads = 0
    }

    var buffers = ""
    var reactors = 0
    var connections = Connections()
    var bytes = Bytes()
    /// Submissions by opcode.
    var operations: [String: Int] = [:]
    var registeredByteCount = 0
    /// Operations that used a registered buffer by its index.
    var fixedBufferOperations = 0
    var zeroCopySends = ZeroCopySends()
    var files: Files?

    /// Reads the last line that is not empty.
    static func read(fromOutput text: String) throws(ServerError) -> ServerStatistics {
        guard let line = text.split(whereSeparator: \.isNewline).last(where: { $0.contains { !$0.isWhitespace } })
        else {
            throw .statistics("it printed nothing")
        }
        do {
            return try JSONDecoder().decode(ServerStatistics.self, from: Data(line.utf8))
        } catch {
            throw .statistics("the last line of its output is '\(line.prefix(200))': \(error)")
        }
    }
}

/// The path that a contender's requests took, from what its servers counted.
struct OperationPath: Encodable, Sendable {
    /// Operations submitted a request, by opcode. One that completes again and again (a multishot receive) counts once.
    let operationsPerRequest: [String: Double]
    /// Of those, the ones that used a registered buffer.
    let fixedBufferOperationsPerRequest: Double
    let zeroCopySendsPerRequest: Double
    let zeroCopySendsCopiedPerRequest: Double
    /// Blocks of files that were read; nil where none are served.
    let fileReadsPerRequest: Double?
    /// Of those, past the page cache.
    let directReadsPerRequest: Double?
    /// The most that one of the servers had registered, used or not.
    let registeredByteCount: Int

    /// Operations that carry no request's bytes: they make, watch and end connections, and find files.
    private static let housekeeping: Set<String> = [
        "accept", "async_cancel", "cancel", "close", "connect", "fixed_fd_install", "msg_ring", "nop", "openat2",
        "poll_add", "poll_remove", "shutdown", "statx", "timeout", "timeout_remove",
    ]

    init(_ runs: [CellRun]) {
        func sum(_ value: (CellRun) -> Int) -> Int { runs.map(value).reduce(0, +) }
        let requestCount = max(1, sum(\.totalRequestCount))
        // What is rarer than once a connection and once in a hundred requests is an exception, not the path.
        let leastCount = max(1, min(sum(\.serverStatistics.connections.accepted), requestCount / 100))
        func perRequest(_ count: Int) -> Double {
            count < leastCount ? 0 : Double(count) / Double(requestCount)
        }
        var counts: [String: Int] = [:]
        for run in runs { counts.merge(run.serverStatistics.operations, uniquingKeysWith: +) }
        operationsPerRequest = counts.filter { !Self.housekeeping.contains($0.key) }.mapValues(perRequest)
            .filter { $0.value > 0 }
        fixedBufferOperationsPerRequest = perRequest(sum(\.serverStatistics.fixedBufferOperations))
        zeroCopySendsPerRequest = perRequest(sum(\.serverStatistics.zeroCopySends.count))
        zeroCopySendsCopiedPerRequest = perRequest(sum(\.serverStatistics.zeroCopySends.copied))
        let servesFiles = runs.contains { $0.serverStatistics.files != nil }
        fileReadsPerRequest = servesFiles ? perRequest(sum { $0.serverStatistics.files?.reads ?? 0 }) : nil
        directReadsPerRequest = servesFiles ? perRequest(sum { $0.serverStatistics.files?.directReads ?? 0 }) : nil
        registeredByteCount = runs.map(\.serverStatistics.registeredByteCount).max() ?? 0
    }

    /// Whether requests took the same way: the same opcodes, with registered buffers or without, copied or not, past the page
    /// cache or through it.
    /// How often each was needed may differ: that is a result.
    func isSame(as other: OperationPath) -> Bool {
        Set(operationsPerRequest.keys) == Set(other.operationsPerRequest.keys)
            && (fixedBufferOperationsPerRequest > 0) == (other.fixedBufferOperationsPerRequest > 0)
            && (zeroCopySendsPerRequest > 0) == (other.zeroCopySendsPerRequest > 0)
            && (zeroCopySendsCopiedPerRequest > 0) == (other.zeroCopySendsCopiedPerRequest > 0)
            && (directReadsPerRequest ?? 0 > 0) == (other.directReadsPerRequest ?? 0 > 0)
    }

    /// `1.00 send + <0.01 recv per request; no registered buffer used; no zero copy`.
    var text: String {
        let operations = operationsPerRequest.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\(Self.rate($0.value)) \($0.key)" }.joined(separator: " + ")
        let fixed =
            fixedBufferOperationsPerRequest > 0
            ? "\(Self.rate(fixedBufferOperationsPerRequest)) with a registered buffer" : "no registered buffer used"
        let zeroCopy =
            zeroCopySendsPerRequest > 0
            ? "\(Self.rate(zeroCopySendsPerRequest)) zero-copy, "
                + "\(Self.rate(zeroCopySendsCopiedPerRequest)) copied after all"
            : "no zero copy"
        return "\(operations.isEmpty ? "no operation" : operations) per request; \(fixed); \(zeroCopy)\(reads)"
    }

    /// How files were read, where they were.
    private var reads: String {
        guard let all = fileReadsPerRequest, let direct = directReadsPerRequest else { return "" }
        guard direct > 0 else { return "; all reads through the page cache" }
        return all > direct
            ? "; of \(Self.rate(all)) reads \(Self.rate(direct)) past the page cache"
            : "; all reads past the page cache"
    }

    private static func rate(_ value: Double) -> String {
        value > 0 && value < 0.005 ? "<0.01" : Format.decimal(value, places: 2)
    }
}
