import ArgumentParser
import CommandSupport
import PooledEcho

/// `pooled-echo files`: serves a directory over HTTP/1.1.
struct FilesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "files",
        abstract: "Serves the files of a directory over HTTP/1.1.",
        discussion: """
            Prints "listening on HOST:PORT" when it is ready. Answers GET and HEAD requests, including ranges and \
            conditional requests. For a directory it sends index.html. It opens nothing outside the root, whatever paths and \
            links say.

            SIGINT or SIGTERM stops it: it finishes the responses that have begun, then closes its side of each connection \
            and waits for the client to close. After the drain timeout, or at a second signal, it cuts the connections that \
            are left. A client that loses bytes sees a reset, never a normal end of stream. With --stats json the server \
            prints, when it ends, how many connections each limit closed.

            Exit status: 0 when everything was sent, 3 when connections were cut with bytes unsent, 1 on an error, \
            64 on wrong usage.

            Sizes take K, M or G (powers of 1024); times take ms, s, m or h.

            Example: pooled-echo files /srv/www --listing --host 0.0.0.0 --cache-size 64M
            """)

    struct Port: ParsableArguments {
        @Option(count: "Listen on this port; 0 picks a free one.", valueName: "port", in: 0...UInt16.max)
        var port = UInt16(8080)
    }

    struct Files: ParsableArguments {
        @Flag(help: "List directories that have no index.html: as HTML, or as JSON if the client asks for it.")
        var listing = false

        @Flag(help: "Serve and list names that begin with a dot.")
        var dotfiles = false

        @Option(
            size:
                "Keep whole responses of small files in this much memory, but at most a quarter of the pool; 0 for none.",
            in: 0...Int.max)
        var cacheSize = ByteCount(16 << 20)

        @Option(
            count: "Keep at most this many paths open for later requests. A low ulimit -n lowers the number.",
            valueName: "paths", in: 1...1_000_000)
        var cacheFiles = 2048

        @Option(
            time: "Check a cached path for changes after this time; 0 checks on every request.", in: 0.05...86_400,
            orZero: true)
        var cacheMaxAge = TimeSpan(seconds: 1)

        @Option(
            help: ArgumentHelp(
                "Read files through the page cache (buffered), past it (direct), or past it only for large files that are not in it (auto).",
                valueName: "engine"))
        var engine = FileEngine.auto

        @Option(size: "Read at most this much at once through the page cache; 4K to 16M.", in: Files.blockSizes)
        var blockSize = ByteCount(FilesConfiguration.defaultBlockByteCount)

        @Option(size: "Read at most this much at once past the page cache; 4K to 16M.", in: Files.blockSizes)
        var directBlockSize = ByteCount(FilesConfiguration.defaultDirectBlockByteCount)

        @Option(
            size: "With --engine auto, read past the page cache only for requests of at least this much.",
            in: 0...Int.max)
        var directMinimum = ByteCount(FilesConfiguration.defaultDirectByteCount)

        private static let blockSizes = 4096...16 << 20
    }

    struct Limits: ParsableArguments {
        @Option(
            time: "Refuse a request whose head is not complete this long after its first byte (408).", in: 0.05...86_400
        )
        var headTimeout = TimeSpan(seconds: 10)

        @Option(size: "Refuse a request whose head is larger than this (431).", in: 1024...1 << 20)
        var maxHeadSize = ByteCount(16 << 10)

        @Option(
            size:
                "Cut a client that takes less than this much of a response per second, after a grace of ten seconds; 0 for no limit.",
            in: 0...Int.max)
        var minRate = ByteCount(1000)

        @Option(
            count: "List at most this many entries of a directory. The listing says when there are more.",
            valueName: "entries", in: 1...1_000_000)
        var maxListingEntries = 10_000
    }

    struct Output: ParsableArguments {
        @Option(
            help: ArgumentHelp(
                "Append a line per request to this file, in the common log format. Needs Linux 6.8.", valueName: "file"),
            completion: .file())
        var accessLog: String?
    }

    @Argument(help: "The directory to serve.", completion: .directory)
    var root: String

    @OptionGroup(title: OptionTitle.listening) var port: Port
    @OptionGroup(title: OptionTitle.listening) var listening: ListeningOptions
    @OptionGroup(title: OptionTitle.files) var files: Files
    @OptionGroup(title: OptionTitle.limits) var limits: LimitOptions
    @OptionGroup(title: OptionTitle.limits) var fileLimits: Limits
    @OptionGroup(title: OptionTitle.buffers) var buffers: BufferOptions
    @OptionGroup(title: OptionTitle.output) var fileOutput: Output
    @OptionGroup(title: OptionTitle.output) var output: OutputOptions

    func run() throws {
        var configuration = ServerConfiguration(.files(filesConfiguration))
        configuration.port = port.port
        listening.apply(to: &configuration)
        limits.apply(to: &configuration)
        buffers.apply(to: &configuration)
        // A head that fits is in one piece.
        configuration.bufferByteCount = fileLimits.maxHeadSize.value
        try output.run(configuration)
    }

    private var filesConfiguration: FilesConfiguration {
        var configuration = FilesConfiguration(root: root)
        configuration.listsDirectories = files.listing
        configuration.servesDotfiles = files.dotfiles
        configuration.cacheByteCount = files.cacheSize.value
        configuration.openFileCount = files.cacheFiles
        configuration.cacheSeconds = files.cacheMaxAge.seconds
        configuration.engine = files.engine
        configuration.blockByteCount = files.blockSize.value
        configuration.directBlockByteCount = files.directBlockSize.value
        configuration.directByteCount = files.directMinimum.value
        configuration.headSeconds = fileLimits.headTimeout.seconds
        configuration.maxHeadByteCount = fileLimits.maxHeadSize.value
        configuration.minBytesPerSecond = fileLimits.minRate.value
        configuration.maxListingEntryCount = fileLimits.maxListingEntries
        configuration.accessLogPath = fileOutput.accessLog
        return configuration
    }
}

extension FileEngine: ExpressibleByArgument {}
