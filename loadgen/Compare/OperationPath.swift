/// The path that a mode's requests took, from what its servers counted.
struct OperationPath: Codable, Sendable {
    /// Operations a request, by opcode; what happens less than once in a hundred requests (accepting, arming, closing)
    /// is not the path of a request.
    let operationsPerRequest: [String: Double]
    /// Of those, the ones that used a registered buffer, a request.
    let fixedBufferOperationsPerRequest: Double
    let zeroCopySendsPerRequest: Double
    let zeroCopySendsCopiedPerRequest: Double
    /// The most that one of the servers had registered, used or not.
    let registeredByteCount: Int

    private static let leastPerRequest = 0.01

    init(_ runs: [CellRun]) {
        let requestCount = Double(max(1, runs.map(\.totalRequestCount).reduce(0, +)))
        var counts: [String: Int] = [:]
        for run in runs { counts.merge(run.serverStatistics.operations, uniquingKeysWith: +) }
        func perRequest(_ count: Int) -> Double {
            let share = Double(count) / requestCount
            return share < Self.leastPerRequest ? 0 : share
        }
        operationsPerRequest = counts.mapValues(perRequest).filter { $0.value > 0 }
        fixedBufferOperationsPerRequest = perRequest(runs.map(\.serverStatistics.fixedBufferOperations).reduce(0, +))
        zeroCopySendsPerRequest = perRequest(runs.map(\.serverStatistics.zeroCopySends.count).reduce(0, +))
        zeroCopySendsCopiedPerRequest = perRequest(runs.map(\.serverStatistics.zeroCopySends.copied).reduce(0, +))
        registeredByteCount = runs.map(\.serverStatistics.registeredByteCount).max() ?? 0
    }

    /// Whether requests took the same way: the same opcodes, with registered buffers or without, copied or not.
    /// How often each was needed may differ: that is a result.
    func isSame(as other: OperationPath) -> Bool {
        Set(operationsPerRequest.keys) == Set(other.operationsPerRequest.keys)
            && (fixedBufferOperationsPerRequest > 0) == (other.fixedBufferOperationsPerRequest > 0)
            && (zeroCopySendsPerRequest > 0) == (other.zeroCopySendsPerRequest > 0)
            && (zeroCopySendsCopiedPerRequest > 0) == (other.zeroCopySendsCopiedPerRequest > 0)
    }

    var text: String {
        var parts = operationsPerRequest.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map {
            "\(Format.decimal($0.value, places: 2)) \($0.key)"
        }
        if parts.isEmpty { parts = ["no operation"] }
        let fixed =
            fixedBufferOperationsPerRequest > 0
            ? "\(Format.decimal(fixedBufferOperationsPerRequest, places: 2)) with a registered buffer"
            : "none with a registered buffer"
        let zeroCopy =
            zeroCopySendsPerRequest > 0
            ? "\(Format.decimal(zeroCopySendsPerRequest, places: 2)) zero-copy, "
                + "\(Format.decimal(zeroCopySendsCopiedPerRequest, places: 2)) copied after all"
            : "none zero-copy"
        return parts.joined(separator: " + ") + " a request; \(fixed); \(zeroCopy)"
    }
}
