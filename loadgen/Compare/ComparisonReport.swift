/// The result of `loadgen compare`: what `--json` writes.
struct ComparisonReport: Encodable, Sendable {
    /// What one mode did in one case, over all rounds.
    struct ModeResult: Encodable, Sendable {
        /// What only file servers have.
        struct File: Encodable, Sendable {
            let bytesPerSecond: Spread
            let serverProcessorSecondsPerGigabyte: Spread
            /// Nil where the kernel does not say.
            let diskByteCountPerRequest: Spread?
            let residentByteCountBefore: Spread
            let residentByteCountAfter: Spread
        }

        let mode: ServerMode
        let requestsPerSecond: Spread
        let p99Microseconds: Spread
        let serverProcessorMicrosecondsPerRequest: Spread
        let loadgenProcessorMicrosecondsPerRequest: Spread
        let serverPeakByteCount: Spread
        /// The ratios of each round, to `malloc` in the same round; nil for `malloc` itself or without it.
        let processorTimeToMalloc: Spread?
        let requestsPerSecondToMalloc: Spread?
        let file: File?
        let path: OperationPath
        /// Other modes of this case whose requests took the same path: the same operations were compared.
        let samePathAs: [ServerMode]
    }

    struct CaseResult: Encodable, Sendable {
        let `case`: ComparisonCase
        let modes: [ModeResult]
        let runs: [CellRun]
    }

    let rounds: Int
    let warmupSeconds: Double
    let durationSeconds: Double
    let placement: Placement
    /// Where the files were that were served; nil where none were.
    let files: ServedFolder.Place?
    var cases: [CaseResult] = []
    /// Everything that went wrong, a sentence each; empty after a clean comparison.
    var problems: [String] = []

    init(
        rounds: Int, warmupSeconds: Double, durationSeconds: Double, placement: Placement,
        files: ServedFolder.Place? = nil
    ) {
        self.rounds = rounds
        self.warmupSeconds = warmupSeconds
        self.durationSeconds = durationSeconds
        self.placement = placement
        self.files = files
    }
}

extension ComparisonReport.CaseResult {
    init(case: ComparisonCase, runs: [CellRun]) {
        self.case = `case`
        self.runs = runs
        let runsByMode = Dictionary(grouping: runs, by: \.mode)
        let paths = runsByMode.mapValues(OperationPath.init)
        modes = ServerMode.allCases.compactMap { mode in
            runsByMode[mode].flatMap { own in
                ComparisonReport.ModeResult(
                    mode: mode, runs: own, malloc: runsByMode[.malloc] ?? [], path: paths[mode]!,
                    samePathAs: ServerMode.allCases.filter { other in
                        other != mode && paths[other].map { $0.isSame(as: paths[mode]!) } == true
                    })
            }
        }
    }
}

extension ComparisonReport.ModeResult {
    /// Nil without runs.
    fileprivate init?(
        mode: ServerMode, runs: [CellRun], malloc: [CellRun], path: OperationPath, samePathAs: [ServerMode]
    ) {
        guard let requestsPerSecond = Spread(runs.map(\.requestsPerSecond)),
            let p99 = Spread(runs.map(\.latencyMicroseconds.p99)),
            let processorTime = Spread(runs.map(\.serverProcessorMicrosecondsPerRequest)),
            let ownProcessorTime = Spread(runs.map(\.loadgenProcessorMicrosecondsPerRequest)),
            let peak = Spread(runs.map { Double($0.serverPeakByteCount) })
        else { return nil }
        self.mode = mode
        self.requestsPerSecond = requestsPerSecond
        p99Microseconds = p99
        serverProcessorMicrosecondsPerRequest = processorTime
        loadgenProcessorMicrosecondsPerRequest = ownProcessorTime
        serverPeakByteCount = peak
        file = File(runs.compactMap(\.file))
        self.path = path
        self.samePathAs = samePathAs
        func ratio(_ value: (CellRun) -> Double) -> Spread? {
            guard mode != .malloc else { return nil }
            return Spread(
                runs.compactMap { run in
                    malloc.first { $0.round == run.round }.map { value(run) / value($0) }
                })
        }
        processorTimeToMalloc = ratio(\.serverProcessorMicrosecondsPerRequest)
        requestsPerSecondToMalloc = ratio(\.requestsPerSecond)
    }
}

extension ComparisonReport.ModeResult.File {
    /// Nil without runs.
    fileprivate init?(_ runs: [CellRun.File]) {
        guard let bytesPerSecond = Spread(runs.map(\.bytesPerSecond)),
            let processorTime = Spread(runs.map(\.serverProcessorSecondsPerGigabyte)),
            let before = Spread(runs.map { Double($0.residentByteCountBefore) }),
            let after = Spread(runs.map { Double($0.residentByteCountAfter) })
        else { return nil }
        self.bytesPerSecond = bytesPerSecond
        serverProcessorSecondsPerGigabyte = processorTime
        diskByteCountPerRequest = Spread(runs.compactMap(\.diskByteCountPerRequest))
        residentByteCountBefore = before
        residentByteCountAfter = after
    }
}
