import ArgumentParser
import CommandSupport
import PooledEcho

/// `pooled-echo echo`: sends back what clients send.
struct EchoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "echo",
        abstract: "Sends back what clients send.",
        discussion: """
            Prints "listening on HOST:PORT" when it is ready. SIGINT or SIGTERM stops it: it echoes what it has received, \
            then closes its side of each connection and waits for the client to close. After the drain timeout, or at a \
            second signal, it cuts the connections that are left.

            A client that loses bytes sees a reset, never a normal end of stream. With --stats json the server \
            prints, when it ends, how many connections each limit closed.

            Exit status: 0 when everything was sent, 3 when connections were cut with bytes unsent, 1 on an error, \
            64 on wrong usage.

            Sizes take K, M or G (powers of 1024); times take ms, s, m or h.

            Example: pooled-echo echo --port 7777 --pool-size 256M --idle-timeout 2m
            """)

    struct Port: ParsableArguments {
        @Option(count: "Listen on this port; 0 picks a free one.", valueName: "port", in: 0...UInt16.max)
        var port = UInt16(7777)
    }

    struct Buffers: ParsableArguments {
        @Option(size: "Receive at most this much at once; rounded up to a power of two.", in: 1...1 << 30)
        var bufferSize = ByteCount(64 << 10)
    }

    struct Limits: ParsableArguments {
        @Option(
            size: """
                Stop reading from a client that has this many unread bytes, and resume at half. A client with many small \
                unread messages is paused earlier. (default: 1M, or four buffers if that is more)
                """, in: 1...Int.max)
        var maxUnread: ByteCount?
    }

    @OptionGroup(title: OptionTitle.listening) var port: Port
    @OptionGroup(title: OptionTitle.listening) var listening: ListeningOptions
    @OptionGroup(title: OptionTitle.buffers) var buffers: BufferOptions
    @OptionGroup(title: OptionTitle.buffers) var echoBuffers: Buffers
    @OptionGroup(title: OptionTitle.limits) var limits: LimitOptions
    @OptionGroup(title: OptionTitle.limits) var echoLimits: Limits
    @OptionGroup(title: OptionTitle.output) var output: OutputOptions

    func run() throws {
        var configuration = ServerConfiguration(.echo(maxOwedByteCount: echoLimits.maxUnread?.value))
        configuration.port = port.port
        listening.apply(to: &configuration)
        buffers.apply(to: &configuration)
        limits.apply(to: &configuration)
        configuration.bufferByteCount = echoBuffers.bufferSize.value
        try output.run(configuration)
    }
}
