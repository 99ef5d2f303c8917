/// One measurement: one case, one contender, one round, one fresh server.
struct CellRun: Encodable, Sendable {
    /// What only a file server's measurement has.
    struct File: Encodable, Sendable {
        let bytesPerSecond: Double
        /// Of 10⁹ bytes of the file.
        let serverProcessorSecondsPerGigabyte: Double
        /// What the server had read from disks, by the kernel's count; nil where it does not say.
        let diskByteCountPerRequest: Double?
        /// How much of the file was in the page cache before the requests: the most before any of them, of a cold one.
        let residentByteCountBefore: Int
        let residentByteCountAfter: Int
    }

    let contender: Contender
    let round: Int
    let requestsPerSecond: Double
    let latencyMicroseconds: LatencySummary
    /// CPU time of the server, and of loadgen, within the measured window.
    let serverProcessorMicrosecondsPerRequest: Double
    let loadgenProcessorMicrosecondsPerRequest: Double
    let serverPeakByteCount: Int
    /// Page faults of the server per request that needed no disk, warm-up included.
    var serverPageFaultsPerRequest = 0.0
    /// How much of the server's CPU time the kernel used for it, from 0 to 1, warm-up included; nil when that was too little to tell.
    var serverKernelShare: Double?
    /// Messages of the whole run, warm-up included: what the server's own statistics cover.
    let totalRequestCount: Int
    let serverStatistics: ServerStatistics
    var file: File?
}
