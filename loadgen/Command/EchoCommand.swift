import ArgumentParser

/// `loadgen echo HOST:PORT`.
struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Measures one echo server.",
        discussion: """
            A closed loop: each connection keeps --pipeline messages in flight, and starts the next when one has come \
            back whole. Every byte that comes back is compared with what was sent. The exit status is 0 only when \
            something was measured and nothing was wrong, refused, lost or left unanswered.
            """)

    @Argument(help: "The server: 127.0.0.1:7777, [::1]:7777, localhost:7777.")
    var target: Endpoint

    @Option(help: "Connections at once.")
    var connections = 64

    @Option(help: "Bytes a message, such as 512 or 64K.")
    var size = ByteCount(512)

    @Option(help: "Seconds to measure.")
    var duration = 10.0

    @Option(help: "Seconds of the same load before that, not measured.")
    var warmup = 1.0

    @Option(help: "Messages in flight a connection.")
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

    func run() throws {
        var plan = LoadPlan()
        plan.connectionCount = connections
        plan.messageByteCount = size.value
        plan.pipeline = pipeline
        plan.threadCount = threads
        plan.warmupSeconds = warmup
        plan.durationSeconds = duration

        let addresses = try SocketAddress.resolve(target)
        let address = SocketAddress.firstReachable(of: addresses, timeoutSeconds: plan.connectTimeoutSeconds)
        let progress = ProgressLine()
        let tally = try Load.run(plan, to: address, progress: progress)
        progress.clear()

        let report = LoadReport(target: target.description, plan: plan, tally: tally)
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
}
