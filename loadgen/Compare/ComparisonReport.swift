/// The result of `loadgen compare`: what `--json` writes.
struct ComparisonReport: Encodable, Sendable {
    /// What one contender did in one case, over all rounds.
    struct ContenderResult: Encodable, Sendable {
        /// What only file servers have.
        struct File: Encodable, Sendable {
            let bytesPerSecond: Spread
            let serverProcessorSecondsPerGigabyte: Spread
            /// Nil where the kernel does not say.
            let diskByteCountPerRequest: Spread?
            let residentByteCountBefore: Spread
            let residentByteCountAfter: Spread
        }

        let contender: Contender
        let requestsPerSecond: Spread
        let p50Microseconds: Spread
        let p99Microseconds: Spread
        let serverProcessorMicrosecondsPerRequest: Spread
        let loadgenProcessorMicrosecondsPerRequest: Spread
        let serverPeakByteCount: Spread
        let pageFaultsPerRequest: Spread
        /// Nil where too little time was used to tell.
        let kernelShare: Spread?
        /// The ratios of each round, to `malloc` in the same round; nil for `malloc` itself or without it.
        let processorTimeToMalloc: Spread?
        let requestsPerSecondToMalloc: Spread?
        let file: File?
        let path: OperationPath
        /// Other contenders of this case whose requests took the same path: the same operations were compared.
        let samePathAs: [Contender]
    }

    struct CaseResult: Encodable, Sendable {
        let `case`: ComparisonCase
        let contenders: [ContenderResult]
        let runs: [CellRun]
    }

    let rounds: Int
    let warmupSeconds: Double
    let durationSeconds: Double
    let machine: Machine
    /// Where the files were that were served; nil where none were.
    let files: ServedFolder.Place?
    /// Costs in the summary, by contender and round.
    var workloads: [Workload] = []
    var cases: [CaseResult] = []
    /// Everything that went wrong, a sentence each; empty after a clean comparison.
    var problems: [String] = []

    init(
        rounds: Int, warmupSeconds: Double, durationSeconds: Double, machine: Machine,
        files: ServedFolder.Place? = nil
    ) {
        self.rounds = rounds
        self.warmupSeconds = warmupSeconds
        self.durationSeconds = durationSeconds
        self.machine = machine
        self.files = files
    }

    /// The pool beside the others, a row each.
    var rows: [SummaryRow] { workloads.flatMap(\.rows) }
}

extension ComparisonReport.CaseResult {
    init(case: ComparisonCase, runs: [CellRun]) {
        self.case = `case`
        self.runs = runs
        let runsByContender = Dictionary(grouping: runs, by: \.contender)
        let paths = runsByContender.mapValues(OperationPath.init)
        contenders = Contender.allCases.compactMap { contender in
            runsByContender[contender].flatMap { own in
                ComparisonReport.ContenderResult(
                    contender: contender, runs: own, malloc: runsByContender[.malloc] ?? [], path: paths[contender]!,
                    samePathAs: Contender.allCases.filter { other in
                        other != contender && paths[other].map { $0.isSame(as: paths[contender]!) } == true
                    })
            }
        }
    }
}

extension ComparisonReport.ContenderResult {
    /// Nil without runs.
    fileprivate init?(
        contender: Contender, runs: [CellRun], malloc: [CellRun], path: OperationPath, samePathAs: [Contender]
    ) {
        guard let requestsPerSecond = Spread(runs.map(\.requestsPerSecond)),
            let p50 = Spread(runs.map(\.latencyMicroseconds.p50)),
            let p99 = Spread(runs.map(\.latencyMicroseconds.p99)),
            let processorTime = Spread(runs.map(\.serverProcessorMicrosecondsPerRequest)),
            let ownProcessorTime = Spread(runs.map(\.loadgenProcessorMicrosecondsPerRequest)),
            let peak = Spread(runs.map { Double($0.serverPeakByteCount) }),
            let faults = Spread(runs.map(\.serverPageFaultsPerRequest))
        else { return nil }
        self.contender = contender
        self.requestsPerSecond = requestsPerSecond
        p50Microseconds = p50
        p99Microseconds = p99
        serverProcessorMicrosecondsPerRequest = processorTime
        loadgenProcessorMicrosecondsPerRequest = ownProcessorTime
        serverPeakByteCount = peak
        pageFaultsPerRequest = faults
        kernelShare = Spread(runs.compactMap(\.serverKernelShare))
        file = File(runs.compactMap(\.file))
        self.path = path
        self.samePathAs = samePathAs
        func ratio(_ value: (CellRun) -> Double) -> Spread? {
            guard contender != .malloc else { return nil }
            return Spread(
                runs.compactMap { run in
                    malloc.first { $0.round == run.round }.map { value(run) / value($0) }
                })
        }
        processorTimeToMalloc = ratio(\.serverProcessorMicrosecondsPerRequest)
        requestsPerSecondToMalloc = ratio(\.requestsPerSecond)
    }
}

extension ComparisonReport.ContenderResult.File {
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

extension ComparisonReport.CaseResult {
    /// The server's CPU time per request, for the summary; nil where nothing was measured.
    var workload: Workload? {
        guard !runs.isEmpty else { return nil }
        var costs: [Contender: [Int: Double]] = [:]
        for run in runs {
            costs[run.contender, default: [:]][run.round] = run.serverProcessorMicrosecondsPerRequest * 1000
        }
        return Workload(
            title: `case`.shortTitle, name: `case`.name, kind: `case`.kind, quantity: .nanoseconds, pool: .pool,
            costs: costs)
    }
}
