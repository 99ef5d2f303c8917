import ArgumentParser
import CommandSupport

/// `loadgen echo HOST:PORT`.
struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Measures a TCP echo server.",
        discussion: """
            The load is a closed loop: each connection keeps --pipeline messages in flight, and sends the next one when one \
            has come back complete. Every byte that comes back is compared with the byte that was sent.

            Exit status: 0 when something was measured without an error, 1 when anything was wrong, refused, lost or left \
            unanswered, 64 on wrong usage.

            Sizes take K, M or G (powers of 1024); times take ms, s, m or h.

            Example: loadgen echo 127.0.0.1:7777 --connections 64 --size 64K --duration 30s
            """)

    struct Messages: ParsableArguments {
        @Option(size: "Send messages of this size.", in: EchoCase.messageByteCounts)
        var size = ByteCount(512)
    }

    @Argument(
        help: "The server to measure: 127.0.0.1:7777, [::1]:7777, localhost:7777.",
        transform: { text in try Endpoint.parse(text) })
    var target: Endpoint

    @OptionGroup(title: "Load") var load: LoadOptions
    @OptionGroup(title: "Load") var messages: Messages
    @OptionGroup(title: "Output") var output: ResultOptions

    func run() throws {
        let byteCount = messages.size.value
        let exchange = EchoExchange(messageByteCount: byteCount)
        try load.run(exchange, to: try load.address(of: target), output: output) { tally in
            LoadReport(target: target.description, .echo(messageByteCount: byteCount), plan: load.plan, tally: tally)
        }
    }
}
