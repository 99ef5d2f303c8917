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

    @Option(help: "Bytes a message, such as 512 or 64K.")
    var size = ByteCount(512)

    @OptionGroup var load: LoadOptions

    func run() throws {
        let exchange = EchoExchange(messageByteCount: size.value)
        try load.run(exchange, to: try load.address(of: target)) { tally in
            LoadReport(target: target.description, .echo(messageByteCount: size.value), plan: load.plan, tally: tally)
        }
    }
}
