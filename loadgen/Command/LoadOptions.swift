import ArgumentParser
import CommandSupport
import SystemSupport

/// The options of every command that runs one load.
struct LoadOptions: ParsableArguments {
    @Option(count: "Open this many connections.", in: 1...BytePattern.period)
    var connections = 64

    @Option(time: "Measure for this long.", in: 0.001...86_400)
    var duration = TimeSpan(seconds: 10)

    @Option(time: "Run the same load for this long before measuring.", in: 0...86_400)
    var warmup = TimeSpan(seconds: 1)

    @Option(count: "Keep this many messages or requests in flight per connection.", in: 1...65_536)
    var pipeline = 1

    @Option(count: "Run this many threads, each with a ring and its share of the connections.", in: 1...1024)
    var threads = 1

    func validate() throws {
        guard threads <= connections else {
            throw ValidationError("--threads \(threads) is more than --connections \(connections)")
        }
    }

    var plan: LoadPlan {
        var plan = LoadPlan()
        plan.connectionCount = connections
        plan.pipeline = pipeline
        plan.threadCount = threads
        plan.warmupSeconds = warmup.seconds
        plan.durationSeconds = duration.seconds
        return plan
    }

    /// Runs a load and reports on it.
    /// - Throws: `ExitCode.failure` when something was wrong, after printing what.
    func run(
        _ exchange: some Exchange, to address: SocketAddress, output: ResultOptions, report: (LoadTally) -> LoadReport
    ) throws {
        let progress = ProgressLine()
        let tally = try Load.run(plan, exchange, to: address, progress: progress)
        progress.clear()
        let report = report(tally)
        try output.write(report, text: report.text)
        try ResultOptions.fail(for: report.problems)
    }

    /// An address at which the server accepts connections. A name may have several, and the server may listen on only
    /// one of them.
    func address(of endpoint: Endpoint) throws -> SocketAddress {
        SocketAddress.firstReachable(
            of: try endpoint.addresses(), timeoutSeconds: plan.connectTimeoutSeconds)
    }
}

extension Endpoint {
    /// The server that an argument names.
    static func parse(_ text: String) throws(ValidationError) -> Endpoint {
        guard let endpoint = Endpoint(text) else {
            throw ValidationError("give a host and a port from 1 to 65535, such as 127.0.0.1:7777 or [::1]:7777")
        }
        return endpoint
    }
}
