import ArgumentParser
import SystemSupport

/// What every command has that runs one load.
struct LoadOptions: ParsableArguments {
    @Option(help: "Connections at once.")
    var connections = 64

    @Option(help: "Seconds to measure.")
    var duration = 10.0

    @Option(help: "Seconds of the same load before that, not measured.")
    var warmup = 1.0

    @Option(help: "Messages, or requests, in flight a connection.")
    var pipeline = 1

    @Option(help: "Threads, each with a ring and its share of the connections.")
    var threads = 1

    @Option(help: "Also write the result as JSON, to this file; - for standard output.")
    var json: String?

    func validate() throws {
        try OptionRange.check(connections, in: 1...BytePattern.period, option: "--connections")
        try OptionRange.check(duration, in: 0.001...86_400, option: "--duration")
        try OptionRange.check(warmup, in: 0...86_400, option: "--warmup")
        try OptionRange.check(pipeline, in: 1...65_536, option: "--pipeline")
        try OptionRange.check(threads, in: 1...1024, option: "--threads")
        guard threads <= connections else {
            throw ValidationError("--threads \(threads) is more than --connections \(connections)")
        }
    }

    var plan: LoadPlan {
        var plan = LoadPlan()
        plan.connectionCount = connections
        plan.pipeline = pipeline
        plan.threadCount = threads
        plan.warmupSeconds = warmup
        plan.durationSeconds = duration
        return plan
    }

    /// Runs a load and reports on it.
    /// - Throws: `ExitCode.failure` when something was wrong, after having said what.
    func run(
        _ exchange: some Exchange, to address: SocketAddress, report: (LoadTally) -> LoadReport
    ) throws {
        let progress = ProgressLine()
        let tally = try Load.run(plan, exchange, to: address, progress: progress)
        progress.clear()

        let report = report(tally)
        let json = json.map(JSONOutput.init)
        (json?.isStandardOutput == true ? StandardStream.error : .output).write(report.text)
        try json?.write(report)
        guard report.problems.isEmpty else {
            for problem in report.problems {
                StandardStream.error.write("error: \(problem)\n")
            }
            throw ExitCode.failure
        }
    }

    /// The address of a server that has several, of which it may listen on one only.
    func address(of endpoint: Endpoint) throws -> SocketAddress {
        SocketAddress.firstReachable(
            of: try endpoint.addresses(), timeoutSeconds: plan.connectTimeoutSeconds)
    }
}
