/// One measurement: one case, one mode, one round, one fresh server.
struct CellRun: Codable, Sendable {
    let mode: ServerMode
    let round: Int
    let requestsPerSecond: Double
    let latencyMicroseconds: LatencySummary
    /// CPU time of the server, and of loadgen, within the measured window.
    let serverProcessorMicrosecondsPerRequest: Double
    let loadgenProcessorMicrosecondsPerRequest: Double
    let serverPeakByteCount: Int
    /// Messages of the whole run, warm-up included: what the server's own statistics cover.
    let totalRequestCount: Int
    let serverStatistics: ServerStatistics
}
